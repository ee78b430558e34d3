import { BackendError, engine, type HostDType, type TensorSpec } from '@imglish/core';
import {
  type BackendValues,
  type DataId,
  type DataType,
  KernelBackend,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { Attribute, ConstantData, Node, Value } from '../graph/graph.js';
import { originOf } from '../graph/origin.js';
import type { Kernel } from '../kernels/kernel.js';
import { sizeOf } from '../runtime/shape.js';
import { isUniform, typedValues, zeroValues } from './values.js';

/** Name under which the recording backend is registered while a function is traced. */
export const TRACE_BACKEND = 'imglish-trace';

/** Kernels whose result is a list, however long it is. */
const LISTS: ReadonlySet<string> = new Set(['SplitV', 'Unpack']);

/** A tensor that the function did not get as an argument and did not make. */
export interface Captured {
  value: Value;
  dataId: DataId;
  origin: Error;
}

/**
 * A tfjs backend that computes nothing: its kernels note what would be computed, and of what shape
 * and type the outcome is.
 */
export class Recorder extends KernelBackend {
  readonly nodes: Node[] = [];
  readonly constants: Map<Value, ConstantData> = new Map();
  /** By data, which several tensors of different shapes may share. */
  readonly captured: Map<DataId, Captured[]> = new Map();
  private readonly values: Map<DataId, Value> = new Map();
  private readonly makers: Map<Value, Node> = new Map();

  /** A tensor that stands for an argument of the function. */
  argument({ shape, dtype }: TensorSpec): { tensor: Tensor; value: Value } {
    const value: Value = { shape: [...shape], dtype };
    const info = this.infoOf(value);
    return { tensor: engine().makeTensorFromTensorInfo(info, this), value };
  }

  /** What a tensor stands for; one from outside becomes a captured constant. */
  valueFor(tensor: TensorInfo): Value {
    const known = this.values.get(tensor.dataId);
    if (known) return known;
    const shape = tensor.shape.join();
    const sharing = this.captured.get(tensor.dataId) ?? [];
    const before = sharing.find(({ value }) => value.shape.join() === shape);
    if (before) return before.value;
    const value: Value = { shape: [...tensor.shape], dtype: hostDType(tensor.dtype) };
    const captured = { value, dataId: tensor.dataId, origin: new Error() };
    this.captured.set(tensor.dataId, [...sharing, captured]);
    return value;
  }

  /** Notes a node; called in place of a kernel. */
  record(
    kernel: Kernel,
    given: NamedTensorInfoMap,
    attrs: NamedAttrMap = {},
  ): TensorInfo | TensorInfo[] {
    const inputs: Record<string, Value> = {};
    for (const [name, tensor] of Object.entries(given)) {
      if (tensor) inputs[name] = this.valueFor(tensor);
    }
    const attributes = plain(attrs) as Record<string, Attribute>;
    const specs = kernel.infer(inputs as Readonly<Record<string, TensorSpec>>, attributes);
    const outputs: Value[] = specs.map(({ shape, dtype }) => ({ shape: [...shape], dtype }));
    const node: Node = { kernel: kernel.name, inputs, attributes, outputs, origin: new Error() };
    this.nodes.push(node);
    for (const output of outputs) this.makers.set(output, node);
    const infos = outputs.map((output) => this.infoOf(output));
    return infos.length === 1 && !LISTS.has(kernel.name) ? infos[0]! : infos;
  }

  private infoOf(value: Value): TensorInfo {
    const dataId = {};
    this.values.set(dataId, value);
    return { dataId, shape: value.shape as number[], dtype: value.dtype };
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    const value: Value = { shape: [...shape], dtype: hostDType(dtype) };
    const data = typedValues(values as ArrayLike<number>, value.dtype);
    this.constants.set(value, isUniform(data) ? { uniform: data[0]! } : { data });
    return this.infoOf(value).dataId;
  }

  override readSync(dataId: DataId): BackendValues {
    const value = this.values.get(dataId);
    const constant = value && this.constants.get(value);
    if (constant && 'data' in constant) return constant.data.slice();
    if (constant && value) {
      const length = sizeOf(value.shape as number[]);
      return zeroValues(length, value.dtype).fill(constant.uniform as number);
    }
    const maker = value && this.makers.get(value);
    throw new BackendError({
      code: 'backend/not-traceable',
      where: 'trace',
      expected: 'a function that computes with tensors and looks at none of their values',
      got: maker
        ? `one that reads the result of ${maker.kernel} (${originOf(maker.origin)})`
        : 'one that reads the values of an argument',
      fix: `It is read ${originOf(new Error())}. Give what depends on values as an input, or return the tensor.`,
    });
  }

  override read(dataId: DataId): Promise<BackendValues> {
    return Promise.resolve(this.readSync(dataId));
  }

  override disposeData(dataId: DataId): boolean {
    this.values.delete(dataId);
    return true;
  }

  override move(): void {
    throw new BackendError({
      code: 'backend/not-traceable',
      where: 'trace',
      expected: 'kernels that record',
      got: 'a tensor that is moved to the recording backend',
    });
  }

  override refCount(): number {
    return 1;
  }

  override incRef(): void {}

  override numDataIds(): number {
    return this.values.size;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {}
}

function hostDType(dtype: DataType): HostDType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new BackendError({
    code: 'backend/not-traceable',
    where: 'trace',
    expected: 'tensors of float32, int32 or bool',
    got: `one of ${dtype} (${originOf(new Error())})`,
  });
}

/** Attributes as plain data, without what is not set. */
function plain(value: unknown): unknown {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return Array.from(value as ArrayLike<unknown>, plain);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      inner === undefined ? [] : [[key, plain(inner)]],
    ),
  );
}
