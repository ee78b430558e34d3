import { draw } from '@imglish/core';
import type { StepPairs } from './step-pairs.js';

/** For a pair: which image is wrong for its text, and which text for its image; none where all are right. */
export interface Negatives {
  image: number | undefined;
  text: number | undefined;
}

/**
 * Draws hard negatives for pair `i` of a step's N, as ALBEF and VLMo do (arXiv 2107.07651, section 3.3;
 * 2111.02358): image j with probability softmax over j of scale · imageⱼ · textᵢ, text j likewise, never
 * one that is right. Right are i itself and whichever `same` says is the same image or text.
 */
export function drawNegatives(
  i: number,
  { features, count, number, seed }: Pick<StepPairs, 'features' | 'count' | 'number' | 'seed'>,
  same: { image(i: number, j: number): boolean; text(i: number, j: number): boolean },
): Negatives {
  const { image, text, dim, scale } = features;
  const all = Array.from({ length: count }, (_, j) => j);
  // A text that is the same is right for this image, and so is the image that comes with it.
  const wrong = all.filter((j) => j !== i && !same.image(i, j) && !same.text(i, j));
  const logits = (own: Float32Array, others: Float32Array) =>
    wrong.map((j) => scale * dot(own, i * dim, others, j * dim, dim));
  const pick = (purpose: string, z: number[]) =>
    wrong[sampleSoftmax(z, draw(seed, purpose, number + i).uniform())];
  return {
    image: pick('wrong image', logits(text, image)),
    text: pick('wrong text', logits(image, text)),
  };
}

/** The index at which the cumulated softmax of `logits` passes `u` in [0, 1); −1 of none. */
export function sampleSoftmax(logits: readonly number[], u: number): number {
  const top = logits.reduce((most, z) => Math.max(most, z), -Infinity);
  const weights = logits.map((z) => Math.exp(z - top));
  let left = u * weights.reduce((sum, w) => sum + w, 0);
  const found = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return found >= 0 ? found : logits.length - 1;
}

function dot(a: Float32Array, from: number, b: Float32Array, other: number, n: number): number {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += a[from + k]! * b[other + k]!;
  return sum;
}
