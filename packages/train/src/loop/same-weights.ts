import { TrainError } from '@imglish/core';
import type { Communicator } from '../communicator/communicator.js';
import type { Batch, StateSource, ValueSource } from './contracts.js';
import type { Stepper } from './stepper.js';

/**
 * The same stepper, whose parameters are compared over the ranks: now, which is where a run begins or
 * goes on, and after every `every` steps. Ranks that have drifted apart would train on as if nothing
 * were wrong.
 *
 * Rejects, on every rank, with a `TrainError` `train/ranks-differ` that names the ranks.
 */
export async function comparingRanks<B extends Batch>(
  stepper: Stepper<B>,
  communicator: Communicator,
  every: number,
): Promise<Stepper<B>> {
  if (communicator.size === 1) return stepper;
  try {
    await assertSameWeights(stepper.state(), communicator);
  } catch (error) {
    await stepper.dispose();
    throw error;
  }
  return {
    ...stepper,
    async step(batches) {
      const done = await stepper.step(batches);
      if (done.step % every === 0) await assertSameWeights(stepper.state(), communicator);
      return done;
    },
  };
}

async function assertSameWeights(
  { step, parameters }: StateSource,
  communicator: Communicator,
): Promise<void> {
  const names = Object.keys(parameters);
  const own: number[] = [];
  for (const name of names) own.push(await hashOf(parameters[name]!));
  const first = await communicator.broadcast(own);
  // Of each rank the first parameter that is another than on rank 0, counted from 1.
  const differing = new Array<number>(communicator.size).fill(0);
  differing[communicator.rank] = 1 + own.findIndex((hash, i) => hash !== first[i]);
  const all = await communicator.allReduce(differing);
  const others = all.flatMap((at, rank) => (at > 0 ? [`rank ${rank} (${names[at - 1]})`] : []));
  if (others.length === 0) return;
  throw new TrainError({
    code: 'train/ranks-differ',
    where: 'train',
    expected: `the same parameters on every rank after step ${step}`,
    got: `others than those of rank 0 on ${others.join(', ')}`,
    fix: 'Go on from the last checkpoint, with the same engine and kind of processor on every rank.',
  });
}

/** 53 bits of the bits of the values, by multiplying and folding twice. */
async function hashOf({ read }: ValueSource): Promise<number> {
  const values = await read();
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let [high, low] = [0x9e3779b1, 0x85ebca77];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    high = Math.imul(high ^ word, 0x85ebca6b);
    high ^= high >>> 15;
    low = Math.imul(low ^ word, 0xc2b2ae35);
    low ^= low >>> 13;
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
