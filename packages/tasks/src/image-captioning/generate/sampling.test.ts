import { describe, expect, it } from 'vitest';
import { sampled } from './sampling.js';

const P = [0.05, 0.5, 0.25, 0.15, 0.05];
const next = {
  ids: Int32Array.of(10, 11, 12, 13, 14),
  logProbs: Float32Array.from(P, (p) => Math.log(p)),
};
const DRAWS = 20_000;

function frequencies(options: { temperature?: number; topP?: number; seed?: number }): number[] {
  const counts = P.map(() => 0);
  for (let sampleIndex = 0; sampleIndex < DRAWS; sampleIndex++) {
    const choose = sampled({ seed: 1, temperature: 1, topP: 1, ...options, sampleIndex });
    counts[choose(next, 0)]!++;
  }
  return counts.map((count) => count / DRAWS);
}

/** Four standard deviations of a frequency. */
function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expected.forEach((p, i) => {
    const tolerance = 4 * Math.sqrt((p * (1 - p)) / DRAWS);
    expect(Math.abs(actual[i]! - p), `word ${i}: ${actual[i]}`).toBeLessThanOrEqual(tolerance);
  });
}

function normalized(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, w) => sum + w, 0);
  return weights.map((w) => w / total);
}

describe('sampling', () => {
  it('draws words as often as they are probable', () => {
    expectNear(frequencies({}), P);
  });

  it.each([0.5, 2])('draws at temperature %d by p to its inverse', (temperature) => {
    expectNear(frequencies({ temperature }), normalized(P.map((p) => p ** (1 / temperature))));
  });

  it.each([
    [0.4, [1]],
    [0.5, [1]],
    [0.51, [1, 2]],
    [0.76, [1, 2, 3]],
  ])('draws from the nucleus alone: %d', (topP, words) => {
    expectNear(frequencies({ topP }), normalized(P.map((p, i) => (words.includes(i) ? p : 0))));
  });

  it('finds a nucleus among many words of next to no probability', () => {
    const size = 50_000;
    const logProbs = new Float32Array(size).fill(Math.log(0.1 / (size - 2)));
    logProbs[777] = Math.log(0.6);
    logProbs[3] = Math.log(0.3);
    const many = { ids: Int32Array.from(logProbs.keys()), logProbs };
    const found = new Set<number>();
    for (let sampleIndex = 0; sampleIndex < 100; sampleIndex++) {
      found.add(sampled({ seed: 3, sampleIndex, temperature: 1, topP: 0.85 })(many, 0));
    }
    expect([...found].sort((a, b) => a - b)).toEqual([3, 777]);
  });

  it('draws the same from the same seed, step and sample, and otherwise anew', () => {
    const drawn = (seed: number, sampleIndex: number) =>
      Array.from({ length: 30 }, (_, step) =>
        sampled({ seed, sampleIndex, temperature: 1, topP: 1 })(next, step),
      );
    expect(drawn(1, 0)).toEqual(drawn(1, 0));
    expect(drawn(2, 0)).not.toEqual(drawn(1, 0));
    expect(drawn(1, 1)).not.toEqual(drawn(1, 0));
    expect(new Set(drawn(1, 0)).size).toBeGreaterThan(1);
  });
});
