import type { HostTensor } from '@imglish/core';

/** Rows of a matrix `[rows, columns]`. */
export function rowsOf({ shape, data }: HostTensor): Float32Array[] {
  const [rows, columns] = shape as [number, number];
  return Array.from({ length: rows }, (_, i) =>
    (data as Float32Array).subarray(i * columns, (i + 1) * columns),
  );
}

/** exp(zᵢ) / Σⱼ exp(zⱼ). */
export function softmax(logits: Float32Array): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Float64Array.from(logits, (z) => Math.exp(z - top));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** 1 / (1 + exp(−z)). */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** Indices of the `count` largest values, the largest first; of equal ones the earlier. */
export function largest(values: ArrayLike<number>, count: number): number[] {
  return Array.from(values, (_, i) => i)
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count);
}
