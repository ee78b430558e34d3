import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { dispose, type Tensor2D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { logProbs, topLogProbs } from './log-probs.js';

const P = [
  [0.1, 0.6, 0.3],
  [0.5, 0.2, 0.3],
];
/** log p, moved by a number of each row's own. */
const logits = () => tensor2d(P.map((row, i) => row.map((p) => Math.log(p) + 1000 * i - 7)));

function expectProbs(actual: readonly number[][], expected: readonly number[][]): void {
  actual.flat().forEach((logProb, i) => {
    expect(Math.exp(logProb)).toBeCloseTo(expected.flat()[i]!, 4);
  });
}

describe('log-probabilities', () => {
  it('are those of the softmax, of all classes and of the best', () => {
    withoutLeaks(() => {
      const z = logits();
      const all = logProbs(z);
      const { ids, logProbs: best } = topLogProbs(z, 2);
      expectProbs(all.arraySync(), P);
      expect(ids.dtype).toBe('int32');
      expect(ids.arraySync()).toEqual([
        [1, 2],
        [0, 2],
      ]);
      expectProbs(best.arraySync(), [
        [0.6, 0.3],
        [0.5, 0.3],
      ]);
      dispose([z, all, ids, best]);
    });
  });

  it('refuse more classes than there are, and what has no rows', () => {
    const z = logits();
    for (const count of [0, 4]) {
      expect(() => topLogProbs(z, count)).toThrow(
        expect.objectContaining({ code: 'shape/top-log-probs' }),
      );
    }
    const row = tensor1d([1, 2]) as unknown as Tensor2D;
    expect(() => logProbs(row)).toThrow(expect.objectContaining({ code: 'shape/log-probs' }));
    dispose([z, row]);
  });
});
