import '@tensorflow/tfjs-backend-cpu';
import { memoryCompiler, withoutLeaks } from '@imglish/testing';
import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { memoryRun } from '../../test/memory-run.js';
import { regressionParameters } from '../../test/regression.js';
import { type RegressionOptions, regressionOptions } from '../../test/regression-options.js';
import { disposeState } from './state.js';
import { train } from './train.js';

let parameters: Record<string, Tensor>;
beforeAll(() => {
  parameters = regressionParameters();
});

const frozen = new Set(['in.weight', 'out.bias']);

/** Values at the end, and the checkpoint's names of moments. */
async function record(extra: Partial<RegressionOptions>) {
  const run = memoryRun(100);
  const { state } = await train(regressionOptions(parameters, { steps: 5, frozen, run, ...extra }));
  const values = Object.fromEntries(
    Object.entries(state.parameters).map(([name, tensor]) => [name, [...tensor.dataSync()]]),
  );
  const moments = Object.keys(state.moments).sort();
  disposeState(state);
  return { values, moments, saved: Object.keys(run.saved.at(-1)!.moments).sort() };
}

it('what is frozen stays to the bit, and has no moments in memory or in a checkpoint', async () => {
  const reserved: number[] = [];
  const compiler = memoryCompiler();
  const counting = {
    ...compiler,
    reserve: (length: number) => {
      reserved.push(length);
      return compiler.reserve(length);
    },
  };
  const eager = await withoutLeaks(() => record({}));
  const compiled = await withoutLeaks(() => record({ compiler: counting }));
  for (const { values, moments, saved } of [eager, compiled]) {
    for (const name of frozen) expect(values[name]).toEqual([...parameters[name]!.dataSync()]);
    expect(values['in.bias']).not.toEqual([...parameters['in.bias']!.dataSync()]);
    expect(moments).toEqual(['in.bias', 'out.weight']);
    expect(saved).toEqual(moments);
  }
  for (const [name, values] of Object.entries(eager.values)) {
    const apart = values.map((value, i) => Math.abs(value - compiled.values[name]![i]!));
    expect(Math.max(...apart), name).toBeLessThan(1e-5);
  }
  const all = 3 * 16 + 16 + 16 + 1 + 2;
  const others = all - 3 * 16 - 1;
  expect(reserved).toEqual([all, others, others, others]);
  expect(compiler.open()).toBe(0);
});

it.each([{}, { compiler: memoryCompiler() }])('may be frozen later: %o', async (engine) => {
  const run = memoryRun(100);
  const whole = regressionOptions(parameters, { ...engine, steps: 3, run });
  disposeState((await train(whole)).state);
  const before = [...(await run.saved.at(-1)!.parameters['in.weight']!.read())];
  const { state } = await train({ ...whole, steps: 5, frozen });
  expect([...state.parameters['in.weight']!.dataSync()]).toEqual(before);
  disposeState(state);
});

it('refuses names that the model has not', async () => {
  const options = regressionOptions(parameters, { frozen: new Set(['in.weights']) });
  await expect(train(options)).rejects.toMatchObject({ code: 'train/options' });
});
