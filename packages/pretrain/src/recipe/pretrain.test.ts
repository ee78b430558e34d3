import '@tensorflow/tfjs-backend-cpu';
import { type Compiler, initializeParameters, type ModelConfig } from '@imglish/core';
import { expectAllClose, withoutLeaks } from '@imglish/testing';
import type { StepMetrics, TrainResult } from '@imglish/train';
import { dispose } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CODES, toyBatchOptions, toyConfig, toyVisualTokenizer } from '../../test/toy.js';
import { type PretrainOptions, pretrain, pretrainSpecs } from './pretrain.js';
import { type PretrainRecipe, pretrainRecipe } from './recipe.js';

const toyRecipe = (changes: Partial<PretrainRecipe> = {}) =>
  pretrainRecipe({
    steps: 2,
    mix: { text: 2, image: 2, pair: 2 },
    maxTextLength: 20,
    maxCaptionLength: 12,
    lr: 1e-2,
    warmupSteps: 0,
    ...changes,
  });

function toyOptions(config: ModelConfig, recipe: PretrainRecipe): PretrainOptions {
  const { mix: _, ...data } = toyBatchOptions({ config });
  return { ...data, preprocessor: data.preprocessor as PretrainOptions['preprocessor'], recipe };
}

function disposeResult({ state }: TrainResult): void {
  dispose([state.parameters, state.moments, state.average ?? []] as never);
}

describe('pretrain', () => {
  it('gives with two batches an update what one of twice the size gives', {
    timeout: 60_000,
  }, async () => {
    const config = toyConfig({ dropPathRate: 0.2 });
    const run = async (recipe: PretrainRecipe) => {
      const steps: StepMetrics[] = [];
      const onStep = (metrics: StepMetrics) => void steps.push(metrics);
      return { steps, ...(await pretrain({ ...toyOptions(config, recipe), onStep })) };
    };
    const [whole, halves] = [
      await run(toyRecipe()),
      await run(toyRecipe({ mix: { text: 1, image: 1, pair: 1 }, accumulate: 2 })),
    ];
    whole.steps.forEach((step, i) => {
      expect(halves.steps[i]!.counts).toEqual(step.counts);
      expect(halves.steps[i]!.samples).toBe(6);
      for (const [part, loss] of Object.entries(step.losses)) {
        expect(halves.steps[i]!.losses[part]).toBeCloseTo(loss, 4);
      }
      expect(halves.steps[i]!.gradientNorm).toBeCloseTo(step.gradientNorm, 3);
    });
    expect(whole.steps[0]!.counts.image).toBe(2 * 6);
    expect(Object.keys(whole.steps[0]!.counts)).toEqual(['text', 'image', 'pairText', 'pairImage']);
    [whole, halves].forEach(disposeResult);
  });

  it('leaves nothing behind but its result, and the parameters given to their owner', async () => {
    const config = toyConfig();
    const recipe = toyRecipe({ steps: 1 });
    await withoutLeaks(async () => disposeResult(await pretrain(toyOptions(config, recipe))));
    const parameters = initializeParameters(pretrainSpecs(config, CODES), 5);
    await withoutLeaks(async () =>
      disposeResult(await pretrain({ ...toyOptions(config, recipe), parameters })),
    );
    const result = await pretrain({ ...toyOptions(config, recipe), parameters });
    const name = 'mlm_head.bias';
    expect(parameters[name]!.dataSync().every((value) => value === 0)).toBe(true);
    expect(result.state.parameters[name]!.dataSync().some((value) => value !== 0)).toBe(true);
    disposeResult(result);
    dispose(parameters);
  });

  it('begins from the seed of the recipe', async () => {
    const config = toyConfig();
    const options = toyOptions(config, toyRecipe({ steps: 1, lr: 0, minLr: 0, seed: 3 }));
    const { state } = await pretrain(options);
    const begun = initializeParameters(pretrainSpecs(config, CODES), 3);
    for (const [name, value] of Object.entries(begun)) {
      expectAllClose(state.parameters[name]!, value, { absolute: 0 });
    }
    dispose([begun, state.parameters, state.moments] as never);
  });

  it('recomputes activations to the same losses', async () => {
    const config = toyConfig();
    const losses = [];
    for (const recompute of [false, true]) {
      const result = await pretrain(toyOptions(config, toyRecipe({ steps: 1, recompute })));
      losses.push(result.metrics!.losses);
      disposeResult(result);
    }
    expect(losses[1]).toEqual(losses[0]);
  });

  it('takes the average that the recipe asks for', async () => {
    const average = async (ema: number) => {
      const result = await pretrain(toyOptions(toyConfig(), toyRecipe({ steps: 1, ema })));
      const { parameters, average } = result.state;
      const now = parameters['mlm_head.bias']!.dataSync();
      const kept = average?.['mlm_head.bias']?.dataSync();
      disposeResult(result);
      return { now, kept };
    };
    expect((await average(0)).kept).toBeUndefined();
    const { now, kept } = await average(0.9);
    // From zeros, of which it keeps 2/11 after the first update.
    now.forEach((value, i) => {
      expect(kept![i]).toBeCloseTo((9 / 11) * value, 7);
    });
    expect(now.some((value) => value !== 0)).toBe(true);
  });

  it('leaves its steps to a compiler', async () => {
    const compiler: Compiler = {
      description: 'none',
      compile: () => Promise.reject(new Error('not here')),
      reserve: () => Promise.reject(new Error('not here')),
    };
    const options = toyOptions(toyConfig(), toyRecipe({ steps: 1 }));
    await withoutLeaks(() =>
      expect(pretrain({ ...options, compiler })).rejects.toThrow('not here'),
    );
  });

  it('refuses parameters with a head over another codebook', async () => {
    const config = toyConfig();
    const parameters = initializeParameters(pretrainSpecs(config, CODES + 1), 0);
    const options = { ...toyOptions(config, toyRecipe()), parameters };
    expect(toyVisualTokenizer().codes).toBe(CODES);
    await withoutLeaks(() =>
      expect(pretrain(options)).rejects.toMatchObject({ code: 'config/codebook-size' }),
    );
    dispose(parameters);
  });
});
