import { BackendError, type HostDType, type TensorSpec } from '@imglish/core';
import type { Attributes, Node, Value } from '../graph/graph.js';
import { type Size, showSize } from '../graph/size.js';
import type { OnnxAttribute, OnnxBuilder } from '../lower/builder.js';

/** What a kernel cannot do, where it is traced. */
export function unsupported(kernel: string, expected: string, got: string): BackendError {
  return new BackendError({ code: 'backend/not-traceable', where: kernel, expected, got });
}

/** An input that the kernel always has. */
export function input<T>(inputs: Readonly<Record<string, T>>, name: string): T {
  return inputs[name]!;
}

export function show(shape: readonly Size[]): string {
  return `[${shape.map(showSize)}]`;
}

/** The value's name, as a tensor of the type. */
export function named(value: Value, dtype: HostDType, onnx: OnnxBuilder): string {
  const name = onnx.name(value);
  return value.dtype === dtype ? name : onnx.cast(name, dtype);
}

/** The name of a tensor of type `from`, as one of type `to`. */
export function recast(name: string, from: HostDType, to: HostDType, onnx: OnnxBuilder): string {
  return from === to ? name : onnx.cast(name, to);
}

export const ints = (values: readonly number[]): OnnxAttribute => ({ ints: values });
export const int = (value: number): OnnxAttribute => ({ int: value });
export const float = (value: number): OnnxAttribute => ({ float: value });

/** Ends of a slice that mean “to the very end” and “to the very beginning, backwards”. */
export const END: number = Number.MAX_SAFE_INTEGER;
export const BEFORE_BEGIN: number = Number.MIN_SAFE_INTEGER;

export function spec(shape: readonly number[], dtype: HostDType): TensorSpec {
  return { shape: [...shape], dtype };
}

/** The type that the attributes name; `otherwise` where they name none. */
export function dtypeOf(attributes: Attributes, otherwise: HostDType): HostDType {
  const dtype = attributes.dtype ?? otherwise;
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw unsupported('lower', 'float32, int32 or bool', String(dtype));
}

export function outputShape(node: Node, index = 0): readonly Size[] {
  return node.outputs[index]!.shape;
}

/** A shape without free sizes. */
export function knownSizes(kernel: string, { shape }: Pick<Value, 'shape'>): number[] {
  if (shape.every((size) => typeof size === 'number')) return [...shape] as number[];
  throw unsupported(kernel, 'sizes that are not free', show(shape));
}
