import { describe, expect, it } from 'vitest';
import { drawNegatives, sampleSoftmax } from './hard-negatives.js';

/** Four pairs on a circle, at these angles. */
const ANGLES = [0, 0.4, 1.2, 3];
const circle = Float32Array.from(ANGLES.flatMap((a) => [Math.cos(a), Math.sin(a)]));
const SCALE = 2;
const step = (number: number) => ({
  features: { image: circle, text: circle, dim: 2, scale: SCALE },
  ...{ count: ANGLES.length, number, seed: 5 },
});
const nothing = { image: () => false, text: () => false };

describe('hard negatives', () => {
  it('are drawn in proportion to the exponential of the similarity, never the pair itself', () => {
    const draws = 4000;
    const counts = { image: [0, 0, 0, 0], text: [0, 0, 0, 0] };
    for (let n = 0; n < draws; n++) {
      const { image, text } = drawNegatives(1, step(n * 4), nothing);
      counts.image[image!]!++;
      counts.text[text!]!++;
    }
    const weights = ANGLES.map((a, j) =>
      j === 1 ? 0 : Math.exp(SCALE * Math.cos(a - ANGLES[1]!)),
    );
    const total = weights.reduce((sum, w) => sum + w, 0);
    for (const side of [counts.image, counts.text]) {
      expect(side[1]).toBe(0);
      // Four standard deviations of a share of 4000 draws are at most 0.032.
      side.forEach((n, j) => {
        expect(Math.abs(n / draws - weights[j]! / total)).toBeLessThan(0.032);
      });
    }
    expect(counts.image).not.toEqual(counts.text);
  });

  it('depend on the number of the pair in the run, not on who computes it', () => {
    const drawn = (number: number) => ANGLES.map((_, i) => drawNegatives(i, step(number), nothing));
    expect(drawn(8)).toEqual(drawn(8));
    const others = Array.from({ length: 10 }, (_, k) => drawn(4 * k));
    expect(new Set(others.map((each) => JSON.stringify(each))).size).toBeGreaterThan(1);
  });

  it('are never another copy of the image or the text, and none where all are', () => {
    const same = {
      image: (i: number, j: number) => Math.abs(i - j) === 1,
      text: (i: number, j: number) => Math.abs(i - j) === 2,
    };
    for (let n = 0; n < 50; n++) {
      expect(drawNegatives(0, step(n), same)).toEqual({ image: 3, text: 3 });
    }
    const all = { image: () => true, text: () => false };
    expect(drawNegatives(0, step(0), all)).toEqual({ image: undefined, text: undefined });
  });
});

describe('sampleSoftmax', () => {
  it('finds where the cumulated softmax passes a number', () => {
    const logits = [Math.log(1), Math.log(2), Math.log(1)];
    expect([0, 0.24, 0.26, 0.74, 0.76, 0.999].map((u) => sampleSoftmax(logits, u))).toEqual([
      0, 0, 1, 1, 2, 2,
    ]);
    expect(sampleSoftmax([1000, -1000], 0.9)).toBe(0);
    expect(sampleSoftmax([], 0.5)).toBe(-1);
  });
});
