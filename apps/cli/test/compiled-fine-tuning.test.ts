import { cpu } from '@imglish/backend-cpu';
import { onnx } from '@imglish/backend-onnx/node';
import { type Backend, initializeParameters, modelConfig, type RgbImage } from '@imglish/core';
import { type FineTuneOptions, fineTune, fineTuningRecipe, taskSpecs, tasks } from '@imglish/tasks';
import { textTokenizer, trainUnigram } from '@imglish/tokenizers';
import { dispose } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// What fine-tuning adds to a training step is the same compiled as op by op.

const COLOURS = { red: [230, 20, 20], green: [20, 200, 40], blue: [30, 40, 230] } as const;
const NAMES = Object.keys(COLOURS) as (keyof typeof COLOURS)[];
const QUESTION = 'what colour is it ?';
const captionOf = (name: string) => `a ${name} picture that is all ${name}`;
const { spm } = trainUnigram([...NAMES.map(captionOf), QUESTION], { vocabSize: 30 });
const tokenizer = textTokenizer(spm);

function plain(name: keyof typeof COLOURS): RgbImage {
  const data = Uint8Array.from({ length: 3 * 64 }, (_, i) => COLOURS[name][i % 3]!);
  return { width: 8, height: 8, data };
}

function datasetOf<T>(example: (name: keyof typeof COLOURS, id: string) => T) {
  return { size: 6, get: async (i: number) => example(NAMES[i % 3]!, `${i}`) };
}

const config = modelConfig({
  imageSize: [8, 8],
  patchSize: 4,
  vocabularySize: tokenizer.vocabSize,
  dim: 8,
  heads: 2,
  ffnDim: 12,
  layers: 2,
  maxTextPositions: 34,
  normalizeOutput: true,
});

/** The gradient of a key's bias is 0 but for rounding, which a smaller ε would make steps of. */
const SETTINGS = { batch: 4, epsilon: 1e-6, warmupEpochs: 0 };

const vqa = tasks.visualQuestionAnswering;
const answering = {
  task: vqa,
  data: datasetOf((name, id) => ({
    ...{ id, imageId: id, image: plain(name), question: QUESTION },
    answers: new Array<string>(10).fill(name),
  })),
};
const captioning = {
  task: tasks.imageCaptioning,
  data: datasetOf((name, id) => ({ id, image: plain(name), captions: [captionOf(name)] })),
};

let backend: Backend;
beforeAll(async () => {
  backend = await onnx(await cpu(), { threads: 1 });
});
afterAll(() => backend.dispose());

/** Parameters of the model and totals of the steps. */
async function tuned(options: object): Promise<{
  values: Record<string, Float32Array>;
  totals: number[];
}> {
  const given = options as Pick<FineTuneOptions<never>, 'task' | 'recipe' | 'data'>;
  const { task } = given;
  const labels = task.labels ? NAMES : [];
  const reader = { config, labels, tokenizer, preprocessor: task.preprocessor(config.imageSize) };
  const parameters = initializeParameters(taskSpecs(task, reader), 3);
  const totals: number[] = [];
  const { parameters: learnt } = await fineTune({
    ...given,
    reader,
    parameters,
    steps: 4,
    onStep: ({ total }) => void totals.push(total),
  });
  const values = Object.fromEntries(
    Object.entries(learnt).map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]),
  );
  dispose([parameters, learnt]);
  return { values, totals };
}

const dropPath = fineTuningRecipe(vqa, config, { ...SETTINGS, dropPath: 0.4 });
const accumulate = fineTuningRecipe(vqa, config, { ...SETTINGS, accumulate: 2 });
const recipe = fineTuningRecipe(vqa, config, SETTINGS);
const dropWorst = fineTuningRecipe(tasks.imageCaptioning, config, {
  ...{ ...SETTINGS, dropPath: 0.4, dropWorst: 0.4, dropWorstAfter: 1 },
});

describe('steps of fine-tuning, compiled as eager', () => {
  it.each([
    ['drop path', { ...answering, recipe: dropPath }],
    ['low-rank additions', { ...answering, recipe, lora: { rank: 2 } }],
    ['frozen parameters', { ...answering, recipe, freeze: ['beit3.text_embed.*', '*.A.*'] }],
    ['a linear probe in parts', { ...answering, recipe: accumulate, linearProbe: true }],
    ['drop path and the worst words left out', { ...captioning, recipe: dropWorst }],
  ])('%s', async (_, options) => {
    const eager = await tuned(options);
    const compiled = await tuned({ ...options, compiler: backend.compiler });
    expect(Object.keys(compiled.values)).toEqual(Object.keys(eager.values));
    for (const [name, expected] of Object.entries(eager.values)) {
      const apart = expected.map((value, i) => Math.abs(value - compiled.values[name]![i]!));
      expect(Math.max(...apart), name).toBeLessThanOrEqual(1e-5);
    }
    eager.totals.forEach((total, step) => {
      expect(Math.abs(compiled.totals[step]! - total)).toBeLessThanOrEqual(
        1e-5 * Math.max(1, total),
      );
    });
    expect(new Set(eager.totals).size).toBe(4);
  });
});
