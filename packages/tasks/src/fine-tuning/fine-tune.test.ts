import '@tensorflow/tfjs-backend-cpu';
import { initializeParameters, memoryDirectory, type Parameters } from '@imglish/core';
import { withInitialization } from '@imglish/pretrain';
import type { StateSource } from '@imglish/train';
import { dispose, fill, type Tensor } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { datasetOf, TOY_TASKS, toyConfig, toySpm, toyTokenizer } from '../../test/toy-data.js';
import { beginTask, saveTaskModel, type Task, taskModel, taskSpecs, tasks } from '../index.js';
import { type FineTuneOptions, fineTune, type ValidationScore } from './fine-tune.js';
import { loraSpecs, mergeLora } from './lora.js';
import { fineTuningRecipe } from './recipe.js';

const task = tasks.visualQuestionAnswering as unknown as Task;
const { labels, examples } = TOY_TASKS.visualQuestionAnswering;
const config = toyConfig(task.normalizeOutput);
const reader = {
  config,
  labels,
  tokenizer: toyTokenizer(),
  preprocessor: task.preprocessor(config.imageSize),
};
const specs = taskSpecs(task, reader);
const parameters = initializeParameters(withInitialization(specs, 'fan-in'), 1);
const recipe = fineTuningRecipe(task, config, { batch: 4, dropPath: 0.1 });
afterAll(() => dispose(parameters));

const tune = (changes: Partial<FineTuneOptions<never>> = {}) =>
  fineTune({
    ...{ task, reader, recipe, parameters, data: datasetOf(examples), steps: 3 },
    ...(changes as object),
  });
const valuesOf = (tensors: Parameters) =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, [...t.dataSync()]]));
const before = valuesOf(parameters);

/** Names of the parameters that are another than at the beginning. */
async function changed(options: Partial<FineTuneOptions<never>>): Promise<string[]> {
  const { parameters: tuned } = await tune(options);
  const after = valuesOf(tuned);
  dispose(tuned);
  expect(Object.keys(after)).toEqual(Object.keys(specs));
  return Object.keys(after).filter((name) => after[name]!.join() !== before[name]!.join());
}

const head = Object.keys(task.headSpecs(config, task.options(labels)));

describe('what is frozen stays, bit for bit', () => {
  it('by patterns', async () => {
    const names = await changed({ freeze: ['beit3.text_embed.*', 'beit3.encoder.layers.*.ffn.*'] });
    expect(names.some((name) => name.includes('self_attn'))).toBe(true);
    expect(names.filter((name) => /text_embed|\.ffn\./.test(name))).toEqual([]);
  });

  it('all but the head, for a linear probe', async () => {
    expect((await changed({ linearProbe: true })).sort()).toEqual([...head].sort());
  });

  it('all but attention and the head, for LoRA', async () => {
    const names = await changed({ lora: { rank: 2 } });
    expect(names.some((name) => name.includes('_proj'))).toBe(true);
    expect(names.filter((name) => !head.includes(name) && !/self_attn.*_proj/.test(name))).toEqual(
      [],
    );
  });

  it('and a pattern without a name is refused', async () => {
    await expect(tune({ freeze: ['layer.*'] })).rejects.toMatchObject({
      code: 'config/no-parameter',
    });
  });
});

it('LoRA: W + (α / r) B A, by hand', () => {
  const lora = { rank: 2, alpha: 4, targets: ['head.0.weight'] };
  const added = initializeParameters(loraSpecs(specs, lora), 3);
  const b = 'head.0.lora_B';
  added[b]!.dispose();
  added[b] = fill(added[b]!.shape, 0.5);
  const merged = mergeLora({ ...parameters, ...added }, lora);
  const [a, w, sum] = [
    added['head.0.lora_A']!,
    parameters['head.0.weight']!,
    merged['head.0.weight']!,
  ];
  const columns = w.shape[1]!;
  const rows = a.dataSync();
  sum.dataSync().forEach((value, i) => {
    const column = i % columns;
    const expected = w.dataSync()[i]! + 2 * 0.5 * (rows[column]! + rows[columns + column]!);
    expect(value).toBeCloseTo(expected, 5);
  });
  expect(Object.keys(merged)).toEqual(Object.keys(specs));
  dispose([added, sum]);
});

/** A run that is kept in memory; it begins where `saved` is. */
function memoryRun(saved: { state?: StateSource } = {}) {
  const source = async (tensor: { shape: readonly number[]; read(): Promise<Float32Array> }) => {
    const values = (await tensor.read()).slice();
    return { shape: tensor.shape, read: async () => values };
  };
  return {
    every: 100,
    restore: async () => saved.state && { ...saved.state, close: async () => {} },
    log: async () => {},
    async save({ step, parameters: current, moments }: StateSource) {
      const copied: Record<string, Awaited<ReturnType<typeof source>>> = {};
      for (const [name, value] of Object.entries(current)) copied[name] = await source(value);
      const kept: Record<string, StateSource['moments'][string]> = {};
      for (const [name, { step, m, v }] of Object.entries(moments)) {
        kept[name] = { step, m: await source(m), v: await source(v) };
      }
      saved.state = { step, parameters: copied, moments: kept };
    },
  };
}

it.each([{}, { lora: { rank: 2 } }])('goes on to the same bits: %o', async (options) => {
  const whole = await tune(options as never);
  const saved = {};
  const stop = new AbortController();
  const half = await tune({
    ...(options as object),
    run: memoryRun(saved),
    signal: stop.signal,
    onStep: ({ step }) => {
      if (step === 2) stop.abort();
    },
  });
  expect(half.step).toBe(2);
  const rest = await tune({ ...(options as object), run: memoryRun(saved) });
  expect(valuesOf(rest.parameters)).toEqual(valuesOf(whole.parameters));
  dispose([whole.parameters, half.parameters, rest.parameters]);
});

it('stops where a number is none, with the step and the tensor named', async () => {
  const name = 'head.0.bias';
  const broken: Record<string, Tensor> = { ...parameters, [name]: fill([2 * config.dim], NaN) };
  await expect(tune({ parameters: broken })).rejects.toMatchObject({
    code: 'train/not-finite',
    message: expect.stringMatching(/step 1; parameter head\.0\.bias/),
  });
  dispose(broken[name]!);
});

it('keeps the best score, on a model with merged weights', async () => {
  const best: boolean[] = [];
  const { parameters: tuned, scores } = await tune({
    lora: { rank: 2 },
    validation: {
      data: datasetOf(examples),
      every: 1,
      best: () => -1,
      onScore: (score: ValidationScore, current: Parameters) => {
        best.push(score.best);
        expect(Object.keys(current)).toEqual(Object.keys(specs));
      },
    },
  } as never);
  expect(scores.map(({ step }) => step)).toEqual([1, 2, 3]);
  expect(best[0]).toBe(true);
  dispose(tuned);
});

it('computes activations again, to the same parameters', async () => {
  const [kept, again] = [
    await tune({ steps: 2 }),
    await tune({ steps: 2, recipe: { ...recipe, recompute: true } } as never),
  ];
  const [expected, actual] = [valuesOf(kept.parameters), valuesOf(again.parameters)];
  for (const [name, values] of Object.entries(expected)) {
    const apart = values.map((value, i) => Math.abs(value - actual[name]![i]!));
    expect(Math.max(...apart), name).toBeLessThan(1e-6);
  }
  dispose([kept.parameters, again.parameters]);
});

it('scores and keeps the average of the parameters', async () => {
  const steps: Record<string, number[]>[] = [];
  const run = {
    every: 1,
    restore: async () => undefined,
    log: async () => {},
    async save({ parameters }: StateSource) {
      const read = Object.entries(parameters).map(async ([name, { read }]) => {
        const values: [string, number[]] = [name, [...(await read())]];
        return values;
      });
      steps.push(Object.fromEntries(await Promise.all(read)));
    },
  };
  let scored: Record<string, number[]> = {};
  const validation = {
    data: datasetOf(examples),
    every: 2,
    onScore: (_: ValidationScore, merged: Parameters) => {
      scored = valuesOf(merged);
    },
  };
  const averaging = { ...recipe, ema: 0.25 };
  const { parameters: tuned } = await tune({
    recipe: averaging,
    steps: 2,
    run,
    validation,
  } as never);
  const after = valuesOf(tuned);
  dispose(tuned);
  expect(scored).toEqual(after);
  // After the first update it keeps 2/11 of itself, after the second 1/4.
  const [first, second] = steps;
  for (const name of head) {
    const expected = before[name]!.map((value, i) => {
      const average = (2 / 11) * value + (9 / 11) * first![name]![i]!;
      return 0.25 * average + 0.75 * second![name]![i]!;
    });
    const apart = expected.map((value, i) => Math.abs(value - after[name]![i]!));
    expect(Math.max(...apart), name).toBeLessThan(1e-6);
  }
  expect(after).not.toEqual(second);
});

it('a saved model begins another task at another resolution; heads and norms say what became of them', async () => {
  const directory = memoryDirectory();
  await saveTaskModel(directory, task, { reader, parameters }, { spm: toySpm() });
  const same = await beginTask(directory, task);
  expect([same.initialised, same.ignored, same.reader.labels]).toEqual([[], [], labels]);
  const other = await beginTask(directory, tasks.imageTextRetrieval, { imageSize: [16, 16] });
  expect(other.resized).toEqual(['beit3.encoder.embed_positions.A.weight']);
  expect([...other.ignored].sort()).toEqual([...head].sort());
  expect(other.initialised.filter((name) => name.startsWith('beit3.'))).toEqual([
    'beit3.encoder.layer_norm.A.weight',
    'beit3.encoder.layer_norm.A.bias',
    'beit3.encoder.layer_norm.B.weight',
    'beit3.encoder.layer_norm.B.bias',
  ]);
  const fewer = await beginTask(directory, task, { labels: ['red', 'green', 'white', 'blue'] });
  expect([...fewer.initialised].sort()).toEqual([...head].sort());
  dispose([same.parameters, other.parameters, fewer.parameters] as never);
});

describe.each(Object.keys(TOY_TASKS) as (keyof typeof tasks)[])('%s', (key) => {
  it('predicts for every example, whatever is in its batch', async () => {
    const own = tasks[key] as unknown as Task;
    const toy = TOY_TASKS[key];
    const itsReader = {
      ...reader,
      config: toyConfig(own.normalizeOutput),
      labels: toy.labels,
      preprocessor: own.preprocessor(config.imageSize),
    };
    const fresh = initializeParameters(taskSpecs(own, itsReader), 2);
    const model = taskModel(itsReader, fresh);
    const queries = toy.examples.slice(0, 3).map((example) => own.query(example));
    const all = await own.predict(model, queries);
    expect(all).toHaveLength(3);
    const [last] = await own.predict(model, queries.slice(2));
    expect(typeof last).toBe(typeof all[2]);
    expect(Object.keys(last as object)).toEqual(Object.keys(all[2] as object));
    const references = toy.examples.slice(0, 3).map((one) => own.reference(one, toy.labels));
    const metrics = Object.values(own.metric(all, references));
    expect(metrics.every(Number.isFinite)).toBe(true);
    await model.dispose();
    dispose(fresh);
  });
});
