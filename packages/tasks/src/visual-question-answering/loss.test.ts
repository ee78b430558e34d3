import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { tensor2d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { loss } from './loss.js';

it('is the mean over all elements times the number of answers, summed over samples', () => {
  const z = [0, 2, -1, 0.5, 0, 3];
  const t = [0, 1, 0.3, 0.6, 1, 0];
  const each = z.map((x, i) => Math.log(1 + Math.exp(x)) - x * t[i]!);
  const mean = each.reduce((sum, x) => sum + x, 0) / 6;
  withoutLeaks(() =>
    tidy(() => {
      const { sum, count } = loss({ logits: tensor2d(z, [2, 3]) }, { scores: tensor2d(t, [2, 3]) });
      expect(count).toBe(2);
      // per sample: the reference's mean · answers
      expect(sum.dataSync()[0]! / count).toBeCloseTo(mean * 3, 6);
    }),
  );
});
