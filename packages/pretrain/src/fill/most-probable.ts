/** Index of the largest value; of equal ones the first. */
export function indexOfMax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** The `top` largest of the first `size` values, with their indices, largest first. */
export function mostProbable(
  values: ArrayLike<number>,
  size: number,
  top: number,
): [index: number, value: number][] {
  return Array.from({ length: size }, (_, i): [number, number] => [i, values[i]!])
    .sort((a, b) => b[1] - a[1])
    .slice(0, top);
}

/** exp(zᵢ) / Σⱼ exp(zⱼ). */
export function softmax(logits: Float32Array): Float64Array {
  const top = logits[indexOfMax(logits)]!;
  const powers = Float64Array.from(logits, (z) => Math.exp(z - top));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
