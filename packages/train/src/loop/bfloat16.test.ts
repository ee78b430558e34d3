import '@tensorflow/tfjs-backend-cpu';
import { memoryCompiler, withoutLeaks } from '@imglish/testing';
import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loopback } from '../../test/loopback.js';
import { memoryRun } from '../../test/memory-run.js';
import { regressionParameters } from '../../test/regression.js';
import { type RegressionOptions, regressionOptions } from '../../test/regression-options.js';
import { bitsOfBfloat16, nearestBfloat16 } from './bfloat16.js';
import { disposeState } from './state.js';
import { train } from './train.js';

describe('bfloat16', () => {
  it('is the nearest value of 8 significant bits, ties to even', () => {
    const cases: [number, number][] = [
      [1, 1],
      [1 + 2 ** -9, 1],
      [1 + 2 ** -8, 1],
      [1 + 3 * 2 ** -8, 1 + 2 ** -6],
      [1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
      [-1 - 2 ** -7, -1 - 2 ** -7],
      [2 - 2 ** -20, 2],
      [0, 0],
      [Infinity, Infinity],
    ];
    const rounded = nearestBfloat16(Float32Array.from(cases, ([value]) => value));
    expect([...rounded]).toEqual(cases.map(([, nearest]) => nearest));
    expect(nearestBfloat16(Float32Array.of(Number.NaN))).toEqual(Float32Array.of(Number.NaN));
    expect(bitsOfBfloat16(Float32Array.of(1, -2.5))).toEqual(Uint16Array.of(0x3f80, 0xc020));
  });
});

let parameters: Record<string, Tensor>;
beforeAll(() => {
  parameters = regressionParameters();
});

async function values(extra: Partial<RegressionOptions>): Promise<number[]> {
  const options = regressionOptions(parameters, { steps: 9, moments: 'bfloat16', ...extra });
  const { state } = await train(options);
  const tensors = Object.values(state.moments).flatMap(({ m, v }) => [m, v]);
  const all = [...Object.values(state.parameters), ...tensors].flatMap((t) => [...t.dataSync()]);
  disposeState(state);
  return all;
}

describe.each([
  ['op by op', () => ({})],
  ['compiled', () => ({ compiler: memoryCompiler() })],
])('moments of 16 bits, %s', (_, engine) => {
  it('are those of the run, too, which goes on to the same bits from anywhere', async () => {
    const whole = memoryRun(3);
    const expected = await withoutLeaks(() => values({ ...engine(), run: whole }));
    for (const { moments } of whole.saved) {
      for (const { m, v } of Object.values(moments)) {
        expect([m.stored, v.stored]).toEqual(['bfloat16', 'bfloat16']);
        const stored = await m.read();
        expect(nearestBfloat16(stored)).toEqual(stored);
      }
    }
    const run = memoryRun(3);
    // Stops after step 5, with a checkpoint of its own, whose moments are not rounded.
    const controller = new AbortController();
    const onStep = ({ step }: { step: number }) => void (step === 5 && controller.abort());
    await values({ ...engine(), run, signal: controller.signal, onStep });
    expect(run.saved.map(({ step }) => step)).toEqual([3, 5]);
    expect(run.saved[1]!.moments['in.weight']!.m.stored).toBeUndefined();
    expect(await values({ ...engine(), run })).toEqual(expected);
    expect(await values({ ...engine(), run: memoryRun(3), moments: 'float32' })).not.toEqual(
      expected,
    );
  });

  it('are the same on every rank', async () => {
    const run = memoryRun(2);
    const ranks = loopback(2).map((communicator) =>
      values({ ...engine(), communicator, ...(communicator.rank === 0 ? { run } : {}) }),
    );
    const [first, second] = await Promise.all(ranks);
    expect(second).toEqual(first);
  });
});
