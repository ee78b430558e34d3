import type { HostTensor } from '@imglish/core';
import { mostProbable, softmax } from '@imglish/pretrain';

export { softmax };

/** Rows of a matrix `[rows, columns]`. */
export function rowsOf({ shape, data }: HostTensor): Float32Array[] {
  const [rows, columns] = shape as [number, number];
  return Array.from({ length: rows }, (_, i) =>
    (data as Float32Array).subarray(i * columns, (i + 1) * columns),
  );
}

/** 1 / (1 + exp(−z)). */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** Indices of the `count` largest values, the largest first; of equal ones the earlier. */
export function largest(values: ArrayLike<number>, count: number): number[] {
  return mostProbable(values, values.length, count).map(([index]) => index);
}
