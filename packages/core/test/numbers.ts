import { expectAllClose } from '@imglish/testing';
import type { Tensor } from '@tensorflow/tfjs-core';
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

/** |a − b| ≤ tolerance · max(1, ‖b‖∞) for every element. */
export function expectClose(
  actual: Tensor | ArrayLike<number>,
  expected: Tensor | ArrayLike<number>,
  tolerance = 1e-5,
): void {
  const values = 'dataSync' in expected ? valuesOf(expected) : Array.from(expected);
  const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  expectAllClose(actual, expected, { absolute: tolerance * largest });
}
