import '@tensorflow/tfjs-backend-cpu';
import {
  dispose,
  ones,
  type Tensor1D,
  type Tensor2D,
  tensor,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkOp } from '../../test/check-op.js';
import { dot, logSumExpOf, rowsOf, total } from '../../test/reference.js';
import {
  binaryCrossEntropy,
  crossEntropy,
  logSumExp,
  maskedCrossEntropy,
  type Smoothing,
  softCrossEntropy,
} from './losses.js';
import { sumOfSmallest } from './sum-of-smallest.js';

/** −Σⱼ tⱼ log softmax(z)ⱼ. */
function crossEntropyOf(row: number[], target: number[]): number {
  const lse = logSumExpOf(row);
  return -total(row.map((z, j) => target[j]! * (z - lse)));
}

const HARD: Smoothing = { onTarget: 1, everywhere: 0 };

describe('crossEntropy', () => {
  it.each([
    { classes: 5, smoothing: undefined },
    { classes: 5, smoothing: { onTarget: 0.9, everywhere: 0.02 } },
    { classes: 3, smoothing: { onTarget: 0.5, everywhere: 0.1 } }, // mass other than 1
    { classes: 1, smoothing: undefined },
  ])('weighs each row, with $classes classes and $smoothing', ({ classes, smoothing }) => {
    const labels = [0, classes - 1, 0, Math.floor(classes / 2)];
    const weights = [1, 0, 0.25, 2];
    const tensors = [tensor1d(labels, 'int32'), tensor1d(weights)] as const;
    const { onTarget, everywhere } = smoothing ?? HARD;
    const reference = ({ logits }: Record<string, number[]>) =>
      rowsOf(logits!, classes).map((row, i) => {
        const target = row.map((_, j) => everywhere + (j === labels[i] ? onTarget : 0));
        return weights[i]! * crossEntropyOf(row, target);
      });
    const shapes = { logits: [4, classes] };
    checkOp({
      shapes,
      op: ({ logits }) => crossEntropy(logits as Tensor2D, ...tensors, smoothing),
      reference,
    });
    checkOp({
      shapes,
      op: ({ logits }) => maskedCrossEntropy(logits as Tensor2D, ...tensors, smoothing),
      reference: (given) => [total(reference(given))],
    });
    for (const tensor of tensors) tensor.dispose();
  });

  it('takes logits that overflow exp', () => {
    const logits = tensor2d([1000, 0, -1000, 1000], [2, 2]);
    const loss = crossEntropy(logits, tensor1d([0, 0], 'int32'), tensor1d([1, 1]));
    expect([...loss.dataSync()]).toEqual([0, 2000]);
  });

  it('refuses labels or weights of another length', () => {
    const logits = ones([3, 4]) as Tensor2D;
    const [one, three] = [ones([1], 'int32') as Tensor1D, ones([3]) as Tensor1D];
    for (const [labels, weights] of [
      [one, three],
      [three, one],
      [ones([3, 1]) as unknown as Tensor1D, three],
    ] as const) {
      expect(() => crossEntropy(logits, labels, weights)).toThrow(
        expect.objectContaining({ code: 'shape/cross-entropy' }),
      );
    }
  });
});

describe('softCrossEntropy', () => {
  it('takes a target for every class, of any mass', () => {
    const targets = [0.2, 0.8, 0, 0, 0, 0, 0.5, 0.5, 1];
    const tensor = tensor2d(targets, [3, 3]);
    checkOp({
      shapes: { logits: [3, 3] },
      op: ({ logits }) => softCrossEntropy(logits as Tensor2D, tensor),
      reference: ({ logits }) =>
        rowsOf(logits!, 3).map((row, i) => crossEntropyOf(row, rowsOf(targets, 3)[i]!)),
    });
    tensor.dispose();
  });

  it('refuses targets of another shape', () => {
    expect(() => softCrossEntropy(ones([2, 3]), ones([1, 3]))).toThrow(
      expect.objectContaining({ code: 'shape/soft-cross-entropy' }),
    );
  });
});

describe('binaryCrossEntropy', () => {
  it.each([[[6]], [[2, 3]]])('is that of every element of [%s]', (shape) => {
    const targets = [0, 1, 0.3, 0.9, 1, 0];
    const given = tensor(targets, shape);
    checkOp({
      shapes: { logits: shape },
      op: ({ logits }) => binaryCrossEntropy(logits!, given),
      reference: ({ logits }) =>
        logits!.map((z, i) => {
          const p = 1 / (1 + Math.exp(-z));
          return -targets[i]! * Math.log(p) - (1 - targets[i]!) * Math.log(1 - p);
        }),
    });
  });

  it('takes logits that overflow exp', () => {
    const loss = binaryCrossEntropy(tensor1d([1000, -1000, 1000]), tensor1d([1, 0, 0]));
    expect([...loss.dataSync()]).toEqual([0, 0, 1000]);
  });

  it('refuses targets of another shape', () => {
    expect(() => binaryCrossEntropy(ones([2, 3]), ones([3]))).toThrow(
      expect.objectContaining({ code: 'shape/binary-cross-entropy' }),
    );
  });
});

describe('logSumExp', () => {
  it.each([[[3, 4]], [[2, 1]]])('is that of each row of x [%s]', (shape) => {
    checkOp({
      shapes: { x: shape },
      op: ({ x }) => logSumExp(x as Tensor2D),
      reference: ({ x }) => rowsOf(x!, shape[1]!).map(logSumExpOf),
    });
  });

  it('takes numbers that overflow exp', () => {
    expect([...logSumExp(tensor2d([1000, 1000], [1, 2])).dataSync()]).toEqual([
      Math.fround(1000 + Math.LN2),
    ]);
  });
});

describe('sumOfSmallest', () => {
  const weights = [1, 0, 1, 1, 1];
  const smallest = (x: number[], count: number) =>
    dot(
      x
        .filter((_, i) => weights[i] === 1)
        .sort((a, b) => a - b)
        .slice(0, count),
      Array(count).fill(1),
    );

  it.each([1, 2, 4])('adds the %i smallest real ones, and reaches no other', (count) => {
    const tensor = tensor1d(weights);
    const places = tensor1d(weights.map((_, rank) => (rank < count ? 1 : 0)));
    checkOp({
      shapes: { x: [5] },
      values: { x: [3, -9, 0.5, 2, 1] },
      op: ({ x }) => sumOfSmallest(x as Tensor1D, tensor, places),
      reference: ({ x }) => [smallest(x!, count)],
    });
    dispose([tensor, places]);
  });

  it('refuses weights and places of another length', () => {
    const refusal = expect.objectContaining({ code: 'shape/sum-of-smallest' });
    expect(() => sumOfSmallest(ones([5]), ones([5]), ones([6]))).toThrow(refusal);
    expect(() => sumOfSmallest(ones([5]), ones([4]), ones([5]))).toThrow(refusal);
  });
});
