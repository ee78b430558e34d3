import type { Tensor } from '@tensorflow/tfjs-core';

/** Numbers to compare: a tensor, an array with its shape, or a flat array. */
export type Values =
  | Tensor
  | ArrayLike<number>
  | { data: ArrayLike<number>; shape: readonly number[] };

/** |actual − expected| ≤ absolute + relative · |expected|, element by element. */
export interface Tolerance {
  /** Default 1e-5. */
  absolute?: number;
  /** Default 0. */
  relative?: number;
}

export interface Comparison {
  close: boolean;
  /** What is wrong, or how close they are: the worst element with its place and both values. */
  message: string;
}

/** Compares shapes, where both sides have one, then every element; NaN is close to nothing. */
export function compareAllClose(
  actual: Values,
  expected: Values,
  tolerance: Tolerance = {},
): Comparison {
  const { absolute = 1e-5, relative = 0 } = tolerance;
  const [a, b] = [read(actual), read(expected)];
  if (a.shape && b.shape && a.shape.join() !== b.shape.join()) {
    return { close: false, message: `shape [${a.shape}] instead of [${b.shape}]` };
  }
  if (a.data.length !== b.data.length) {
    return { close: false, message: `${a.data.length} elements instead of ${b.data.length}` };
  }
  let worst = { excess: Number.NEGATIVE_INFINITY, index: -1 };
  let outside = 0;
  for (let index = 0; index < a.data.length; index++) {
    const excess = excessOf(a.data[index]!, b.data[index]!, absolute, relative);
    if (excess > 0) outside += 1;
    if (excess > worst.excess) worst = { excess, index };
  }
  if (worst.index < 0) return { close: true, message: 'no elements' };
  const [x, y] = [a.data[worst.index]!, b.data[worst.index]!];
  const place = `[${position(worst.index, a.shape ?? b.shape ?? [a.data.length])}]`;
  const limits = `absolute ${absolute}, relative ${relative}`;
  return {
    close: outside === 0,
    message:
      `${outside} of ${a.data.length} elements are not within ${limits}; ` +
      `the worst, at ${place}, is ${x} instead of ${y}, ${Math.abs(x - y).toExponential(2)} apart`,
  };
}

/** By how much a difference passes its tolerance; below 0 it does not. */
function excessOf(x: number, y: number, absolute: number, relative: number): number {
  if (x === y) return -absolute; // equal infinities too
  const excess = Math.abs(x - y) - (absolute + relative * Math.abs(y));
  return Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
}

/** Throws when `actual` is not close to `expected`; the message shows the worst element. */
export function expectAllClose(actual: Values, expected: Values, tolerance?: Tolerance): void {
  const { close, message } = compareAllClose(actual, expected, tolerance);
  if (!close) throw new Error(message);
}

/** For `expect.extend(matchers)` of vitest or jest: `expect(tensor).toBeAllClose(values, { absolute: 1e-6 })`. */
export const matchers: {
  toBeAllClose(
    actual: Values,
    expected: Values,
    tolerance?: Tolerance,
  ): { pass: boolean; message: () => string };
} = {
  toBeAllClose(actual, expected, tolerance) {
    const { close, message } = compareAllClose(actual, expected, tolerance);
    return { pass: close, message: () => message };
  },
};

/**
 * ‖g − r‖ / max(‖r‖, floor) with Euclidean norms: how far a gradient g is from its reference r. The
 * floor keeps a gradient that is all but 0 from being judged by its noise, e.g. 1e-3 · ‖all r‖.
 */
export function relativeNormDifference(g: Values, r: Values, floor = 0): number {
  const [a, b] = [read(g).data, read(r).data];
  if (a.length !== b.length) throw new Error(`${a.length} elements instead of ${b.length}`);
  let [difference, reference] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    reference += b[i]! ** 2;
  }
  if (difference === 0) return 0;
  return Math.sqrt(difference) / Math.max(Math.sqrt(reference), floor);
}

function read(values: Values): { data: ArrayLike<number>; shape?: readonly number[] } {
  if ('dataSync' in values) return { data: values.dataSync(), shape: values.shape };
  return 'data' in values ? values : { data: values };
}

/** Row-major index → one index per axis. */
function position(index: number, shape: readonly number[]): number[] {
  const axes: number[] = [];
  for (let axis = shape.length - 1, rest = index; axis >= 0; axis--) {
    axes.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return axes;
}
