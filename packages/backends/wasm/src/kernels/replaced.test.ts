import { type Backend, registerGradients } from '@imglish/core';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wasm } from '../node.js';

let backend: Backend;
beforeAll(async () => {
  backend = await wasm();
  registerGradients();
});
afterAll(() => backend.dispose());

const ramp = (shape: number[]): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i * 1.3)),
    shape,
  );

/** What `body` gives on both backends. */
async function onBoth(body: () => tf.Tensor): Promise<[wasm: tf.Tensor, cpu: tf.Tensor]> {
  await tf.setBackend('cpu');
  const cpu = body();
  await backend.use();
  return [body(), cpu];
}

describe('matMul', () => {
  const cases: [number[], number[], boolean, boolean][] = [
    [[3, 4], [4, 5], false, false],
    [[4, 3], [5, 4], true, true],
    [[2, 3, 7, 9], [2, 3, 9, 8], false, false],
    [[2, 3, 9, 7], [2, 3, 9, 8], true, false],
    [[2, 3, 7, 9], [2, 3, 8, 9], false, true],
    [[5, 3, 7], [1, 7, 4], false, false],
    [[6, 7], [2, 7, 4], false, false],
    [[300, 530], [530, 21], false, false],
    [[3, 0], [0, 4], false, false],
    [[0, 4], [4, 3], false, false],
  ];
  it.each(cases)('%j × %j, transposed %s, %s', async (a, b, transposeA, transposeB) => {
    const [ours, theirs] = await onBoth(() => tf.matMul(ramp(a), ramp(b), transposeA, transposeB));
    expect(ours.shape).toEqual(theirs.shape);
    const expected = theirs.dataSync();
    ours.dataSync().forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-5);
    });
  });
});

describe('matMul of groups broadcast against each other', () => {
  // tfjs's own backends take the wrong matrices here: compared with the single products instead.
  it('takes every pair', async () => {
    await backend.use();
    const [a, b] = [ramp([2, 1, 3, 7]), ramp([1, 4, 7, 5])];
    const all = tf.matMul(a, b);
    expect(all.shape).toEqual([2, 4, 3, 5]);
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 4; j++) {
        const one = tf.matMul(tf.gather(tf.squeeze(a), i), tf.gather(tf.squeeze(b), j));
        const part = tf.slice(all, [i, j, 0, 0], [1, 1, 3, 5]);
        expect(Array.from(part.dataSync())).toEqual(Array.from(one.dataSync()));
      }
    }
  });
});

describe('oneHot', () => {
  it.each(['float32', 'int32', 'bool'] as const)('writes %s', async (dtype) => {
    const ids = () => tf.tensor1d([2, 0, 3, -1], 'int32');
    const [ours, theirs] = await onBoth(() => tf.oneHot(ids(), 3, 1, 0, dtype));
    expect(ours.dtype).toBe(dtype);
    expect(Array.from(ours.dataSync())).toEqual(Array.from(theirs.dataSync()));
  });
});

describe('unsortedSegmentSum', () => {
  it.each(['float32', 'int32'] as const)('adds %s rows of the same id', async (dtype) => {
    const [ours, theirs] = await onBoth(() =>
      tf.unsortedSegmentSum(
        tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2], dtype),
        tf.tensor1d([2, 0, 2, 5], 'int32'),
        3,
      ),
    );
    expect(Array.from(ours.dataSync())).toEqual([3, 4, 0, 0, 6, 8]);
    expect(Array.from(theirs.dataSync())).toEqual([3, 4, 0, 0, 6, 8]);
  });

  it('is the gradient of gather', async () => {
    await backend.use();
    const table = ramp([4, 3]);
    const { grads } = tf
      .engine()
      .gradients(() => tf.sum(tf.gather(table, tf.tensor1d([1, 1, 3], 'int32'))), [table]);
    expect(Array.from(grads[0]!.dataSync())).toEqual([0, 0, 0, 2, 2, 2, 0, 0, 0, 1, 1, 1]);
  });
});
