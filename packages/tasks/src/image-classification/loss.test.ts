import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type ClassificationTargets, loss } from './loss.js';

/** Probabilities ¼, ¾ and ½, ½. */
const logits = [0, Math.log(3), 5, 5];

function lossOf(targets: () => ClassificationTargets): { sum: number; count: number } {
  return withoutLeaks(() =>
    tidy(() => {
      const { sum, count } = loss({ logits: tensor2d(logits, [2, 2]) }, targets());
      return [{ sum: sum.dataSync()[0]!, count }];
    }),
  )[0]!;
}

const labels = () => tensor1d([0, 1], 'int32');

describe('the loss of classification', () => {
  it('is the cross entropy, summed', () => {
    const { sum, count } = lossOf(() => ({ labels: labels() }));
    expect(sum).toBeCloseTo(Math.log(4) + Math.log(2), 6);
    expect(count).toBe(2);
  });

  it('smooths as timm: (1 − s) nll + s · mean over the classes', () => {
    const { sum } = lossOf(() => ({ labels: labels(), labelSmoothing: 0.2 }));
    const first = 0.8 * Math.log(4) + 0.2 * (0.5 * Math.log(4) + 0.5 * Math.log(4 / 3));
    expect(sum).toBeCloseTo(first + Math.log(2), 6);
  });

  it('takes soft targets as they are', () => {
    const { sum, count } = lossOf(() => ({ targets: tensor2d([0.3, 0.7, 1, 0], [2, 2]) }));
    expect(sum).toBeCloseTo(0.3 * Math.log(4) + 0.7 * Math.log(4 / 3) + Math.log(2), 6);
    expect(count).toBe(2);
  });

  it('is the same for hard labels and for the soft targets that say so', () => {
    const soft = lossOf(() => ({ targets: tensor2d([1, 0, 0, 1], [2, 2]) }));
    expect(soft.sum).toBeCloseTo(lossOf(() => ({ labels: labels() })).sum, 6);
  });
});
