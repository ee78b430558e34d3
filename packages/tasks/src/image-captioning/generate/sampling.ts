import { draw } from '@imglish/core';
import type { NextWords } from './decoder.js';
import type { Choose } from './word-by-word.js';

export interface SamplingOptions {
  readonly seed: number;
  /** Which caption of the data set it is: its draws are its own whatever the batch. */
  readonly sampleIndex: number;
  readonly temperature: number;
  readonly topP: number;
}

/**
 * A word drawn with probability ∝ p^(1/temperature) among those given; of these, where topP < 1, only
 * from the smallest set of the most probable that has at least the share topP (Holtzman et al. 2020,
 * arXiv 1904.09751).
 */
export function sampled({ seed, sampleIndex, temperature, topP }: SamplingOptions): Choose {
  return (next, step) => {
    const weights = tempered(next, temperature);
    const kept = topP < 1 ? nucleus(weights, topP) : undefined;
    const uniform = draw(seed, 'word of a caption', step, sampleIndex).uniform();
    const among = (i: number) => (kept ? kept[i]! : i);
    const count = kept?.length ?? weights.length;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[among(i)]!;
    let left = uniform * total;
    for (let i = 0; i < count; i++) {
      left -= weights[among(i)]!;
      if (left < 0) return among(i);
    }
    return lastOf(weights, among, count); // rounding may leave a little
  };
}

/** p^(1/temperature) / max p^(1/temperature). */
function tempered({ logProbs }: NextWords, temperature: number): Float64Array {
  let top = Number.NEGATIVE_INFINITY;
  for (const logProb of logProbs) top = Math.max(top, logProb);
  return Float64Array.from(logProbs, (logProb) => Math.exp((logProb - top) / temperature));
}

/** Indices of the nucleus, the most probable first. */
function nucleus(weights: Float64Array, topP: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // What is below this has at most the share 1 − topP together, so the nucleus is above: nearly all
  // of a vocabulary needs no sorting.
  const floor = ((1 - topP) * total) / weights.length;
  const candidates: number[] = [];
  weights.forEach((weight, i) => {
    if (weight >= floor) candidates.push(i);
  });
  candidates.sort((a, b) => weights[b]! - weights[a]!);
  let share = 0;
  const end = candidates.findIndex((i) => {
    share += weights[i]!;
    return share >= topP * total;
  });
  return end < 0 ? candidates : candidates.slice(0, end + 1);
}

function lastOf(weights: Float64Array, among: (i: number) => number, count: number): number {
  for (let i = count - 1; i > 0; i--) if (weights[among(i)]! > 0) return among(i);
  return among(0);
}
