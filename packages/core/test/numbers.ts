import { memory, type Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { draw } from '../src/random/random.js';

/** `count` normal numbers that float32 holds exactly, so that a float64 reference sees the same. */
export function normals(count: number, seed: number, purpose = 'test'): number[] {
  const random = draw(seed, purpose);
  return Array.from({ length: count }, () => Math.fround(random.normal()));
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

export function valuesOf(tensor: Tensor): number[] {
  return Array.from(tensor.dataSync());
}

/** |a − b| ≤ tolerance · max(1, ‖b‖∞) for every element; NaN is close to nothing. */
export function expectClose(
  actual: Tensor | ArrayLike<number>,
  expected: Tensor | ArrayLike<number>,
  tolerance = 1e-5,
): void {
  const a = numbersOf(actual);
  const b = numbersOf(expected);
  expect(a.length).toBe(b.length);
  const scale = b.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  const worst = a.reduce((most, x, i) => {
    const difference = Math.abs(x - b[i]!);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }, 0);
  expect(worst, 'largest difference').toBeLessThanOrEqual(tolerance * scale);
}

function numbersOf(values: Tensor | ArrayLike<number>): number[] {
  return 'dataSync' in values ? valuesOf(values) : Array.from(values);
}

/** Runs `f`, which must dispose all that it makes but `left` tensors. */
export function expectNoLeak<T>(f: () => T, left = 0): T {
  const before = memory().numTensors;
  const result = f();
  expect(memory().numTensors - before, 'tensors left behind').toBe(left);
  return result;
}
