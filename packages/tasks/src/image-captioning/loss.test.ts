import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type CaptioningTargets, keptCount, loss } from './loss.js';

type Options = Partial<Pick<CaptioningTargets, 'labelSmoothing' | 'places' | 'count'>>;

/** The loss of slots with these logits of three words; the label is word 0. */
function lossOf(rows: number[][], weights: number[], options: Options = {}) {
  return withoutLeaks(() =>
    tidy(() => {
      const { sum, count } = loss(
        { logits: tensor2d(rows) },
        {
          labels: tensor1d(
            rows.map(() => 0),
            'int32',
          ),
          weights: tensor1d(weights),
          count: weights.filter((w) => w === 1).length,
          ...options,
        },
      );
      return [{ sum: sum.dataSync()[0]!, count }];
    }),
  )[0]!;
}

const target = [0.9, 0.05, 0.05];
const negativeEntropy = target.reduce((sum, t) => sum + t * Math.log(t), 0);

describe('the loss of captioning', () => {
  it('is a divergence: 0 where the model says the smoothed target', () => {
    expect(lossOf([target.map(Math.log)], [1]).sum).toBeCloseTo(0, 6);
  });

  it('by hand, for a model that knows nothing', () => {
    const { sum, count } = lossOf(
      [
        [0, 0, 0],
        [4, 4, 4],
      ],
      [1, 1],
    );
    expect(sum).toBeCloseTo(2 * (Math.log(3) + negativeEntropy), 6);
    expect(count).toBe(2);
  });

  it('costs nothing for an empty slot', () => {
    const { sum, count } = lossOf(
      [
        [0, 0, 0],
        [9, -9, 0],
      ],
      [1, 0],
    );
    expect(sum).toBeCloseTo(Math.log(3) + negativeEntropy, 6);
    expect(count).toBe(1);
  });

  it('is the cross entropy without smoothing', () => {
    const { sum } = lossOf([[Math.log(2), 0, 0]], [1], { labelSmoothing: 0 });
    expect(sum).toBeCloseTo(Math.log(2), 6);
  });

  it('leaves out the worst: of five int(5 · 0.6) stay, empty slots never', () => {
    // −log p of word 0 where z = (log a, 0, 0) is log((a + 2) / a)
    const factors = [1, 8, 2, 0.5, 4];
    const rows = [...factors, 1e6].map((a) => [Math.log(a), 0, 0]);
    const places = tensor1d([1, 1, 1, 0, 0, 0]);
    const options = { labelSmoothing: 0, places, count: keptCount(5, 0.4) };
    const { sum, count } = lossOf(rows, [1, 1, 1, 1, 1, 0], options);
    const kept = [8, 4, 2].reduce((total, a) => total + Math.log((a + 2) / a), 0);
    expect(sum).toBeCloseTo(kept, 6);
    expect(count).toBe(3);
    places.dispose();
  });
});
