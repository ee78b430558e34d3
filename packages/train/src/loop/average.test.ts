import '@tensorflow/tfjs-backend-cpu';
import { memoryCompiler, withoutLeaks } from '@imglish/testing';
import { memory, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loopback } from '../../test/loopback.js';
import { memoryRun } from '../../test/memory-run.js';
import { regressionParameters } from '../../test/regression.js';
import { type RegressionOptions, regressionOptions } from '../../test/regression-options.js';
import { disposeState } from './state.js';
import { train } from './train.js';

let parameters: Record<string, Tensor>;
beforeAll(() => {
  parameters = regressionParameters();
});

const DECAY = 0.4;

type Values = Record<string, number[]>;

const valuesOf = (tensors: Readonly<Record<string, Tensor>>): Values =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, [...t.dataSync()]]));

/** Parameters after each step, and the average as it was lent and at the end. */
async function record(extra: Partial<RegressionOptions>) {
  const seen: Values[] = [];
  let lent: Values = {};
  const { state } = await train(
    regressionOptions(parameters, {
      steps: 8,
      ema: { decay: DECAY },
      onStep: async (_, current, average) => {
        seen.push(valuesOf(await current()));
        lent = valuesOf(await average());
      },
      ...extra,
    }),
  );
  const average = valuesOf(state.average!);
  disposeState(state);
  return { seen, lent, average };
}

/** In double precision. */
function expected(seen: readonly Values[]): Values {
  let average = valuesOf(parameters);
  seen.forEach((current, i) => {
    const t = i + 1;
    const d = Math.min(DECAY, (1 + t) / (10 + t));
    average = Object.fromEntries(
      Object.entries(average).map(([name, before]) => {
        return [name, before.map((value, k) => d * value + (1 - d) * current[name]![k]!)];
      }),
    );
  });
  return average;
}

describe.each([
  ['op by op', () => ({})],
  ['compiled', () => ({ compiler: memoryCompiler() })],
])('the average of the parameters, %s', (_, engine) => {
  it('is what the formula says, of every parameter, and is lent', async () => {
    const { seen, lent, average } = await withoutLeaks(() => record(engine()));
    expect(Object.keys(average)).toEqual(Object.keys(parameters));
    for (const [name, values] of Object.entries(expected(seen))) {
      const apart = values.map((value, k) => Math.abs(average[name]![k]! - value));
      expect(Math.max(...apart), name).toBeLessThan(1e-5);
    }
    expect(lent).toEqual(average);
    expect(average['in.weight']).not.toEqual(seen.at(-1)!['in.weight']);
    expect(average.unused).toEqual([...parameters.unused!.dataSync()]);
  });

  it('goes on to the same bits', async () => {
    const whole = await record(engine());
    const run = memoryRun(3);
    await record({ ...engine(), steps: 5, run });
    const resumed = await record({ ...engine(), run });
    expect(resumed.average).toEqual(whole.average);
  });

  it('is the same on all ranks, whoever has the checkpoint', async () => {
    const run = memoryRun(3);
    const ranks = (steps: number) =>
      Promise.all(
        loopback(2).map((communicator) => {
          const own = communicator.rank === 0 ? { run } : {};
          return record({ ...engine(), ...own, communicator, steps });
        }),
      );
    await ranks(4);
    const [first, second] = await ranks(8);
    expect(second!.average).toEqual(first!.average);
  });

  it('is not there unless asked for', async () => {
    const before = memory().numTensors;
    const asking = train(
      regressionOptions(parameters, {
        ...engine(),
        onStep: async (_, __, average) => void (await average()),
      }),
    );
    await expect(asking).rejects.toMatchObject({ code: 'train/no-average' });
    expect(memory().numTensors).toBe(before);
  });

  it('must be in the checkpoint that a run with one goes on from, and in no other', async () => {
    const run = memoryRun(3);
    await record({ ...engine(), steps: 3, run });
    const without = train(regressionOptions(parameters, { ...engine(), run }));
    await expect(without).rejects.toMatchObject({ code: 'train/state' });
    run.saved.push({ ...run.saved.pop()!, average: undefined });
    await expect(record({ ...engine(), run })).rejects.toMatchObject({ code: 'train/state' });
  });
});
