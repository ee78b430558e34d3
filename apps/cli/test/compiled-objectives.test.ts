import { cpu } from '@imglish/backend-cpu';
import { onnx } from '@imglish/backend-onnx/node';
import { type Backend, draw, modelConfig } from '@imglish/core';
import { OBJECTIVE_NAMES, type PretrainOptions, pretrain, pretrainRecipe } from '@imglish/pretrain';
import {
  defaultPreprocessor,
  KMeansTokenizer,
  textTokenizer,
  trainUnigram,
} from '@imglish/tokenizers';
import type { StepMetrics } from '@imglish/train';
import { dispose } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

// All pretraining objectives in one step, compiled and op by op.

let backend: Backend;
beforeAll(async () => {
  backend = await onnx(await cpu(), { threads: 1 });
});
afterAll(() => backend.dispose());

const WORDS = ['red', 'green', 'blue', 'black', 'white'];
const CAPTIONS = WORDS.flatMap((a) => WORDS.map((b) => `${a} above ${b}`));
const dataset = <T>(examples: T[]) => ({
  size: examples.length,
  get: async (index: number) => examples[index]!,
});
const pairs = CAPTIONS.map((caption, i) => {
  const random = draw(1, 'picture', i);
  const data = Uint8Array.from({ length: 3 * 16 }, () => random.integer(256));
  return { id: caption, image: { width: 4, height: 4, data }, captions: [caption] };
});

function options(accumulate: number): PretrainOptions {
  const tokenizer = textTokenizer(trainUnigram(CAPTIONS, { vocabSize: 27 }).spm);
  const codebook = draw(2, 'codebook');
  return {
    config: modelConfig({
      ...{ imageSize: [4, 4], patchSize: 2, vocabularySize: tokenizer.vocabSize, dim: 8 },
      ...{ heads: 2, ffnDim: 12, layers: 2, maxTextPositions: 12, dropPathRate: 0.1 },
      ...{ variant: 'paper', fusionLayers: 1 },
    }),
    tokenizer,
    visualTokenizer: new KMeansTokenizer(
      2,
      Float32Array.from({ length: 4 * 12 }, () => codebook.normal()),
    ),
    preprocessor: defaultPreprocessor(4),
    texts: dataset(CAPTIONS.map((text) => ({ id: text, text }))),
    images: dataset(pairs),
    pairs: dataset(pairs),
    recipe: pretrainRecipe({
      objectives: Object.fromEntries(OBJECTIVE_NAMES.map((name, i) => [name, 1 - i / 10])),
      mix: { text: 1, image: 1, pair: 3 },
      ...{ steps: 3, accumulate, maxTextLength: 5, maxCaptionLength: 5 },
      // Gradients that are 0 but for rounding would be whole steps with a smaller ε.
      ...{ lr: 1e-3, epsilon: 1e-4, warmupSteps: 0, initialization: 'fan-in' },
    }),
  };
}

async function record(accumulate: number, extra: Partial<PretrainOptions>) {
  const steps: StepMetrics[] = [];
  const onStep = (metrics: StepMetrics) => void steps.push(metrics);
  const { state } = await pretrain({ ...options(accumulate), ...extra, onStep });
  const values = Object.fromEntries(
    Object.entries(state.parameters).map(([name, tensor]) => [name, [...tensor.dataSync()]]),
  );
  dispose([state.parameters, state.moments] as never);
  return { steps, values };
}

it.each([
  ['of one batch', 1],
  ['of batches that tell each other', 2],
])('does the steps %s as the eager engine does', async (_, accumulate) => {
  const eager = await record(accumulate, {});
  const compiled = await record(accumulate, { compiler: backend.compiler! });
  expect(Object.keys(eager.steps[0]!.losses)).toHaveLength(9);
  eager.steps.forEach((step, i) => {
    expect(compiled.steps[i]!.counts).toEqual(step.counts);
    for (const [part, loss] of Object.entries(step.losses)) {
      const apart = Math.abs(compiled.steps[i]!.losses[part]! - loss);
      expect(apart, part).toBeLessThanOrEqual(1e-5 * Math.max(1, loss));
    }
    expect(compiled.steps[i]!.gradientNorm / step.gradientNorm).toBeCloseTo(1, 5);
  });
  for (const [name, expected] of Object.entries(eager.values)) {
    const apart = compiled.values[name]!.map((value, i) => Math.abs(value - expected[i]!));
    expect(Math.max(...apart), name).toBeLessThanOrEqual(1e-5);
  }
});
