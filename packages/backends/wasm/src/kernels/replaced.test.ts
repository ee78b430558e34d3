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

describe('transpose', () => {
  const cases: [number[], number[]][] = [
    [
      [5, 9],
      [1, 0],
    ],
    [
      [8, 12],
      [1, 0],
    ],
    [
      [2, 5, 6],
      [0, 2, 1],
    ],
    [
      [2, 5, 3, 7],
      [0, 2, 1, 3],
    ],
    [
      [2, 5, 3, 8],
      [1, 0, 2, 3],
    ],
    [
      [2, 3, 4, 5],
      [3, 1, 0, 2],
    ],
    [
      [2, 3, 4],
      [0, 1, 2],
    ],
    [
      [1, 0, 3],
      [0, 2, 1],
    ],
    [
      [2, 3, 4, 5, 6, 7],
      [0, 2, 4, 1, 3, 5],
    ],
    [
      [2, 3, 4, 5],
      [3, 2, 1, 0],
    ],
    [
      [3, 1, 5, 1],
      [2, 3, 0, 1],
    ],
    [
      [4, 3, 5, 6],
      [0, 3, 1, 2],
    ],
    [
      [4, 3, 5, 6],
      [2, 3, 0, 1],
    ],
    [[7], [0]],
  ];
  it.each(cases)('%j by %j', async (shape, perm) => {
    const [ours, theirs] = await onBoth(() => tf.transpose(ramp(shape), perm));
    expect(ours.shape).toEqual(theirs.shape);
    expect(ours.dataSync()).toEqual(theirs.dataSync());
  });

  it('moves integers and booleans too', async () => {
    const [ints] = await onBoth(() => tf.transpose(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32')));
    expect(Array.from(ints.dataSync())).toEqual([1, 3, 2, 4]);
    const [bools] = await onBoth(() => tf.transpose(tf.tensor2d([1, 0, 1, 1], [2, 2], 'bool')));
    expect(Array.from(bools.dataSync())).toEqual([1, 1, 0, 1]);
  });
});

describe('slice and split', () => {
  const slices: [number[], number[], number[]][] = [
    [[7], [2], [3]],
    [
      [4, 6],
      [0, 1],
      [4, 3],
    ],
    [
      [4, 6],
      [1, 0],
      [2, 6],
    ],
    [
      [4, 6],
      [1, 2],
      [2, -1],
    ],
    [
      [2, 5, 3],
      [0, 4, 0],
      [-1, 1, -1],
    ],
    [
      [2, 3],
      [0, 0],
      [2, 3],
    ],
    [
      [2, 3],
      [0, 3],
      [2, 0],
    ],
  ];
  it.each(slices)('%j from %j, size %j', async (shape, begin, size) => {
    const [ours, theirs] = await onBoth(() => tf.slice(ramp(shape), begin, size));
    expect(ours.shape).toEqual(theirs.shape);
    expect(ours.dataSync()).toEqual(theirs.dataSync());
  });

  it.each([
    [[6, 4], 3, 0],
    [[2, 7, 3], [1, 4, 2], 1],
    [[2, 4], [1, -1], -1],
  ] as const)('%j into %j along %i', async (shape, sizes, axis) => {
    const parts = () => tf.split(ramp([...shape]), sizes as number, axis);
    await tf.setBackend('cpu');
    const theirs = parts();
    await backend.use();
    const ours = parts();
    expect(ours.map((part) => part.shape)).toEqual(theirs.map((part) => part.shape));
    ours.forEach((part, i) => {
      expect(part.dataSync()).toEqual(theirs[i]!.dataSync());
    });
  });
});

describe('concat', () => {
  it.each([
    [
      [
        [2, 3],
        [4, 3],
      ],
      0,
    ],
    [
      [
        [2, 1, 5],
        [2, 3, 5],
        [2, 2, 5],
      ],
      1,
    ],
    [
      [
        [2, 3],
        [2, 1],
      ],
      -1,
    ],
    [
      [
        [2, 0],
        [2, 3],
      ],
      1,
    ],
  ] as const)('%j along %i', async (shapes, axis) => {
    const [ours, theirs] = await onBoth(() =>
      tf.concat(
        shapes.map((shape) => ramp([...shape])),
        axis,
      ),
    );
    expect(ours.shape).toEqual(theirs.shape);
    expect(ours.dataSync()).toEqual(theirs.dataSync());
  });

  it('joins strings and booleans as tfjs does', async () => {
    const [words] = await onBoth(() => tf.concat([tf.tensor1d(['a']), tf.tensor1d(['b', 'c'])]));
    expect(Array.from(words.dataSync())).toEqual(['a', 'b', 'c']);
    const [bools] = await onBoth(() =>
      tf.concat([tf.tensor1d([true], 'bool'), tf.tensor1d([false], 'bool')]),
    );
    expect(Array.from(bools.dataSync())).toEqual([1, 0]);
  });
});

describe('gather', () => {
  it.each([
    [[5, 3], 0],
    [[4, 5], 1],
    [[5], 0],
  ] as const)('from %j along %i', async (shape, axis) => {
    const ids = () => tf.tensor2d([4, 0, 4, 2], [2, 2], 'int32');
    const [ours, theirs] = await onBoth(() => tf.gather(ramp([...shape]), ids(), axis));
    expect(ours.shape).toEqual(theirs.shape);
    expect(ours.dataSync()).toEqual(theirs.dataSync());
  });

  it('refuses an index outside', async () => {
    await backend.use();
    expect(() => tf.gather(ramp([5, 3]), tf.tensor1d([5], 'int32'))).toThrowError(/index value/);
  });
});

describe('clone', () => {
  it('shares the values and outlives the original', async () => {
    await backend.use();
    const before = tf.memory();
    const x = ramp([100]);
    const expected = x.dataSync();
    const copy = tf.clone(x);
    x.dispose();
    expect(copy.dataSync()).toEqual(expected);
    copy.dispose();
    expect(tf.memory()).toMatchObject({
      numTensors: before.numTensors,
      numBytes: before.numBytes,
      numDataBuffers: before.numDataBuffers,
    });
  });
});
