import '@tensorflow/tfjs-backend-cpu';
import { disposeAll } from '@imglish/core';
import { expect, it } from 'vitest';
import { loopback } from '../../test/loopback.js';
import { regressionParameters } from '../../test/regression.js';
import { comparingRanks } from './same-weights.js';
import { disposeState, sourceOf, tensorsOf } from './state.js';
import type { Stepper } from './stepper.js';

/** Each step of rank `odd` after `after` steps changes one more weight, by the smallest amount. */
function drifting(rank: number, odd: number, after: number): Stepper<never> & { freed: boolean } {
  const parameters = regressionParameters();
  let step = 0;
  const stepper: Stepper<never> & { freed: boolean } = {
    freed: false,
    state: () => {
      const state = sourceOf({ step, parameters, moments: {} });
      if (rank !== odd || step < after) return state;
      const [name, { shape, read }] = Object.entries(state.parameters)[2]!;
      const other = async () => {
        const values = (await read()).slice();
        const bits = new Uint32Array(values.buffer);
        bits[values.length - 1]! ^= 1;
        return values;
      };
      return { ...state, parameters: { ...state.parameters, [name]: { shape, read: other } } };
    },
    step: async () => {
      step += 1;
      const nothing = { losses: {}, counts: {}, total: 0, lr: 0, gradientNorm: 0, samples: 0 };
      return { step, ...nothing };
    },
    lend: () => Promise.reject(new Error('nothing to lend')),
    finish: () => tensorsOf(stepper.state()),
    dispose: async () => {
      stepper.freed = true;
      disposeAll(parameters);
    },
  };
  return stepper;
}

const differ = { code: 'train/ranks-differ', got: expect.stringContaining('rank 2 (out.weight)') };

it('names the rank that begins with other weights, on every rank, and frees the state', async () => {
  const steppers = [0, 1, 2].map((rank) => drifting(rank, 2, 0));
  const begun = loopback(3).map((rank, i) => comparingRanks(steppers[i]!, rank, 2));
  for (const result of await Promise.allSettled(begun)) {
    expect(result).toMatchObject({ status: 'rejected', reason: differ });
  }
  expect(steppers.map(({ freed }) => freed)).toEqual([true, true, true]);
});

it('notices every so many steps that a rank has drifted', async () => {
  const begun = loopback(3).map((rank) => comparingRanks(drifting(rank.rank, 2, 3), rank, 2));
  const steppers = await Promise.all(begun);
  const step = () => Promise.allSettled(steppers.map((stepper) => stepper.step([])));
  for (let i = 0; i < 3; i++) {
    expect((await step()).map(({ status }) => status)).toEqual(Array(3).fill('fulfilled'));
  }
  for (const result of await step()) {
    expect(result).toMatchObject({ status: 'rejected', reason: differ });
  }
  for (const stepper of steppers) disposeState(await stepper.finish());
  await Promise.all(steppers.map((stepper) => stepper.dispose()));
});

it('leaves a single rank as it is', async () => {
  const stepper = drifting(0, 0, 0);
  expect(await comparingRanks(stepper, loopback(1)[0]!, 1)).toBe(stepper);
  await stepper.dispose();
});
