import type { HostDType, TensorSpec } from '@imglish/core';
import type { Value } from '../graph/graph.js';
import { type Size, sameSize } from '../graph/size.js';
import type { OnnxBuilder } from '../lower/builder.js';
import { unsupported } from './define.js';

/** The one that numbers of both types fit in. */
export function upcast(a: HostDType, b: HostDType): HostDType {
  const order: HostDType[] = ['bool', 'int32', 'float32'];
  return order[Math.max(order.indexOf(a), order.indexOf(b))]!;
}

/** The shape that two shapes are broadcast to; undefined where they do not fit. */
export function broadcastShapes<S extends Size>(a: readonly S[], b: readonly S[]): S[] | undefined {
  const rank = Math.max(a.length, b.length);
  const at = (shape: readonly S[], axis: number) => shape[axis - rank + shape.length] ?? (1 as S);
  const shape: S[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const [x, y] = [at(a, axis), at(b, axis)];
    if (x !== 1 && y !== 1 && !sameSize(x, y)) return undefined;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

/** The shape that all are broadcast to. */
export function broadcast(kernel: string, ...specs: TensorSpec[]): number[] {
  return specs.slice(1).reduce((shape, spec) => {
    const both = broadcastShapes(shape, spec.shape);
    if (!both) {
      throw unsupported(kernel, 'shapes that broadcast', `[${shape}] and [${spec.shape}]`);
    }
    return both;
  }, specs[0]!.shape as number[]);
}

export function sameShape(a: readonly Size[], b: readonly Size[]): boolean {
  return a.length === b.length && a.every((size, axis) => sameSize(size, b[axis]!));
}

/** The shape without the axes, or with 1 in their place. */
export function reduced(
  shape: readonly number[],
  axes: readonly number[],
  keep: boolean,
): number[] {
  return shape.flatMap((size, axis) => {
    if (!axes.includes(axis)) return [size];
    return keep ? [1] : [];
  });
}

/**
 * ONNX names of values that an operator broadcasts to `shape`: a uniform constant is a scalar where
 * the others have the whole shape.
 */
export function broadcastNames(
  values: readonly Value[],
  shape: readonly Size[],
  onnx: OnnxBuilder,
): string[] {
  const shapes = values.map((value): readonly Size[] => value.shape);
  return values.map((value, i) => {
    const scalar = onnx.uniformScalar(value);
    if (scalar === undefined) return onnx.name(value);
    const others = shapes.map((other, j) => (j === i ? [] : other));
    const whole = others.reduce<readonly Size[] | undefined>(
      (all, other) => all && broadcastShapes(all, other),
      [],
    );
    if (!whole || !sameShape(whole, shape)) return onnx.name(value);
    shapes[i] = [];
    return scalar;
  });
}

/** The inputs called 0, 1, … in order. */
export function listed<T>(inputs: Readonly<Record<string, T>>): T[] {
  return Object.keys(inputs).map((_, i) => inputs[String(i)]!);
}

/** `x`, reshaped: without computing the shape where one size follows from the others. */
export function reshapeTo(
  x: string,
  from: readonly Size[],
  to: readonly Size[],
  onnx: OnnxBuilder,
): string {
  // ONNX reads 0 as “as it was” and −1 as “what is left”, both only where nothing is empty.
  const kept = to.map((size, axis) => {
    if (typeof size === 'number') return size;
    const same = axis < from.length && sameSize(size, from[axis]!);
    return same ? 0 : -1;
  });
  const short = !to.includes(0) && kept.filter((size) => size === -1).length <= 1;
  if (short) return onnx.emit('Reshape', [x, onnx.sizes(kept)]);
  return onnx.emit('Reshape', [x, onnx.sizes(to)], { attributes: { allowzero: { int: 1 } } });
}

/** 0, 1, … as int32 `[size]`. */
export function countTo(size: Size, onnx: OnnxBuilder): string {
  if (typeof size === 'number') {
    return onnx.constant(
      Int32Array.from({ length: size }, (_, i) => i),
      'int32',
      [size],
    );
  }
  const limit = onnx.cast(onnx.emit('Squeeze', [onnx.sizes([size])]), 'int32');
  return onnx.emit('Range', [onnx.scalar(0, 'int32'), limit, onnx.scalar(1, 'int32')]);
}
