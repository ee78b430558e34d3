import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { loss } from './loss.js';

it('is the cross entropy, summed', () => {
  withoutLeaks(() =>
    tidy(() => {
      const { sum, count } = loss(
        { logits: tensor2d([0, Math.log(3), 7, 7, 0, 0], [3, 2]) },
        { labels: tensor1d([1, 0, 1], 'int32') },
      );
      expect(sum.dataSync()[0]).toBeCloseTo(Math.log(4 / 3) + 2 * Math.log(2), 6);
      expect(count).toBe(3);
    }),
  );
});
