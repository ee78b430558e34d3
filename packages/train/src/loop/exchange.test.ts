import '@tensorflow/tfjs-backend-cpu';
import { draw, type Parameters } from '@imglish/core';
import { memoryCompiler, withoutLeaks } from '@imglish/testing';
import {
  add,
  mul,
  type Scalar,
  scalar,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor1d,
} from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { loopback } from '../../test/loopback.js';
import type { Communicator } from '../communicator/communicator.js';
import type { Batch } from './contracts.js';
import type { Exchange } from './exchange.js';
import { disposeState } from './state.js';
import { type TrainOptions, train } from './train.js';

/** Points x, to be brought to twice the mean of w · x over all points of the step. */
interface Points extends Batch {
  x: Tensor1D;
  /** That mean, as a value. */
  mean?: Scalar;
}

const pointsOf = (index: number, count: number) =>
  Array.from({ length: count }, (_, i) => draw(3, 'point', index * count + i).normal());

const exchange: Exchange<Points> = {
  forward: ({ w }: Parameters, { x }) => ({ total: sum(mul(w!, x)) }),
  async complete(batches, { communicator }) {
    const own = batches.reduce((total, { outputs }) => total + outputs.total!.data[0]!, 0);
    const count = batches.reduce((total, { batch }) => total + batch.size, 0);
    const [total, all] = await communicator.allReduce([own, count]);
    return batches.map(({ batch }) => {
      return { ...batch, mean: scalar(total! / all!) };
    });
  },
};

const options = (size: number, extra: Partial<TrainOptions<Points>>): TrainOptions<Points> => ({
  parameters: { w: tensor1d([0.5]) },
  loss: ({ w }, { x, mean }) => {
    const off = sub(mul(w!, x), mul(2, mean!)) as Tensor;
    return { points: { sum: sum(square(add(off, 1))) as Scalar, count: size } };
  },
  counts: () => ({ points: size }),
  batches: async (index) => ({ size, x: tensor1d(pointsOf(index, size)) }),
  steps: 5,
  schedule: () => 0.05,
  groups: { w: { lrScale: 1, weightDecay: 0 } },
  weights: { points: 1 },
  exchange,
  ...extra,
});

async function weightAfter(size: number, extra: Partial<TrainOptions<Points>> = {}) {
  const given = options(size, extra);
  const { state } = await train(given);
  const [w] = state.parameters.w!.dataSync();
  disposeState(state);
  given.parameters.w!.dispose();
  return w!;
}

it('gives with micro-batches and ranks, eager and compiled, what one batch of all gives', async () => {
  const whole = await weightAfter(8);
  expect(whole).not.toBe(0.5);
  expect(await weightAfter(4, { accumulate: 2 })).toBeCloseTo(whole, 6);
  const ranks = await Promise.all(
    loopback(2).map((communicator: Communicator) =>
      weightAfter(2, { accumulate: 2, communicator }),
    ),
  );
  for (const rank of ranks) expect(rank).toBeCloseTo(whole, 6);
  const compiler = memoryCompiler();
  expect(await weightAfter(8, { compiler })).toBeCloseTo(whole, 6);
  expect(compiler.compiled.map(({ name }) => name)).toEqual(['train forward', 'train step']);
  expect(compiler.open()).toBe(0);
  expect(await weightAfter(4, { accumulate: 2, compiler })).toBeCloseTo(whole, 6);
});

it('leaves no tensor behind, however it ends', async () => {
  const run = async (extra: Partial<TrainOptions<Points>> = {}) => {
    const given = options(4, extra);
    await train(given)
      .then(({ state }) => disposeState(state))
      .catch(() => {});
    given.parameters.w!.dispose();
  };
  const failing = {
    ...exchange,
    complete: async () => {
      throw new Error('a rank has gone');
    },
  };
  await run();
  await withoutLeaks(() => run());
  await withoutLeaks(() => run({ exchange: failing }));
});
