import '@tensorflow/tfjs-backend-cpu';
import { type ModelConfig, modelConfig, type Parameters } from '@imglish/core';
import { withoutLeaks } from '@imglish/testing';
import { defaultPreprocessor } from '@imglish/tokenizers';
import type { StepMetrics, TrainResult } from '@imglish/train';
import { threadCommunicator, threadGroup } from '@imglish/train/node';
import { add, dispose, memory, mul, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  objectiveBatch,
  objectiveGradients,
  objectiveParameters,
  toyObjectiveOptions,
} from '../../test/objectives.js';
import {
  COLOURS,
  datasetOf,
  mosaic,
  toyBatchOptions,
  toyConfig,
  toyPairs,
} from '../../test/toy.js';
import { type PretrainOptions, pretrain } from '../recipe/pretrain.js';
import { type PretrainRecipe, pretrainRecipe } from '../recipe/recipe.js';
import { objectiveBatches, partWeights } from './mixture.js';
import { OBJECTIVE_NAMES, OBJECTIVES, type ObjectiveName, objectivesIn } from './objectives.js';

const config = toyConfig({ variant: 'paper', fusionLayers: 1 });
const ALL = Object.fromEntries(OBJECTIVE_NAMES.map((name) => [name, 1]));
const withNeeds = (name: ObjectiveName): ObjectiveName[] => [
  ...(OBJECTIVES[name].needs as ObjectiveName[]),
  name,
];

function toyRun(
  changes: Partial<PretrainRecipe>,
  options: Partial<PretrainOptions> = {},
): PretrainOptions {
  const { mix: _, ...data } = toyBatchOptions({ config });
  const recipe = pretrainRecipe({
    ...{ steps: 2, maxTextLength: 12, maxCaptionLength: 7, lr: 1e-2, warmupSteps: 0 },
    ...changes,
  });
  return {
    ...data,
    preprocessor: data.preprocessor as PretrainOptions['preprocessor'],
    recipe,
    ...options,
  };
}

const disposeResult = ({ state }: TrainResult) =>
  dispose([state.parameters, state.moments] as never);

describe('the index', () => {
  it('has every objective by its name, and every part of a loss once', () => {
    expect(Object.values(OBJECTIVES).map(({ name }) => name)).toEqual(OBJECTIVE_NAMES);
    const parts = Object.values(OBJECTIVES).flatMap((objective) => objective.parts as string[]);
    expect(new Set(parts).size).toBe(parts.length);
    for (const { needs } of objectivesIn(ALL))
      expect(OBJECTIVE_NAMES).toEqual(expect.arrayContaining([...needs]));
  });

  it('weighs every part by its objective and by itself', () => {
    const weights = { 'masked-data-modelling': 2, 'pixel-regression': 0 };
    expect(partWeights(weights, { image: 0.5 })).toEqual({
      ...{ text: 2, image: 1, pairText: 2, pairImage: 2 },
      pixels: 0,
    });
  });
});

describe.each(OBJECTIVE_NAMES)('%s', (name) => {
  it('gives its parts, and the gradient that differences give', async () => {
    const names = withNeeds(name);
    const parameters = objectiveParameters(names, config);
    const options = toyObjectiveOptions({ config, maxTextLength: 12, maxCaptionLength: 7 });
    const batch = await objectiveBatch(names, options, parameters);
    const counts = Object.assign(
      {},
      ...objectivesIn(Object.fromEntries(names.map((each) => [each, 1]))).map((objective) =>
        objective.counts(batch.inputs[objective.name]),
      ),
    );
    const { sums, gradients } = objectiveGradients(names, config, parameters, batch);
    expect(Object.keys(sums).sort()).toEqual(Object.keys(counts).sort());
    expect(Object.keys(sums)).toEqual(expect.arrayContaining([...OBJECTIVES[name].parts]));
    // Along the gradient itself the loss moves by its squared norm.
    const norm = Math.sqrt(
      Object.values(gradients).reduce((sum, g) => sum + g.reduce((s, x) => s + x * x, 0), 0),
    );
    const h = 2e-3;
    const at = (by: number): number => {
      const moved: Record<string, Tensor> = {};
      for (const [key, value] of Object.entries(parameters)) {
        const gradient = gradients[key];
        moved[key] = gradient ? along(value, gradient, by / norm) : value.clone();
      }
      const { loss } = objectiveGradients(names, config, moved, batch);
      dispose(moved);
      return loss;
    };
    expect((at(h) - at(-h)) / (2 * h) / norm).toBeCloseTo(1, 2);
    dispose([parameters, batch] as never);
  });
});

function along(value: Tensor, direction: Float32Array, by: number): Tensor {
  const step = tensor(direction, value.shape);
  const scaled = mul(step, by);
  const moved = add(value, scaled);
  dispose([step, scaled]);
  return moved;
}

describe('a mixture', () => {
  it('reads every sample once, whoever asks for it', async () => {
    const read: Record<string, number> = {};
    const counted = <T extends { id: string }>(examples: T[]) => ({
      size: examples.length,
      get: async (index: number) => {
        const example = examples[index]!;
        read[example.id] = (read[example.id] ?? 0) + 1;
        return example;
      },
    });
    const mix = { text: 2, image: 2, pair: 3 };
    const pairs = counted(toyPairs(3));
    const batch = await objectiveBatches(ALL, toyObjectiveOptions({ config, mix, pairs }))(0);
    expect(read).toEqual({ 'pair 0': 1, 'pair 1': 1, 'pair 2': 1 });
    expect(Object.keys(batch.inputs)).toEqual(OBJECTIVE_NAMES);
    expect(batch.size).toBe(7);
    dispose(batch as never);
  });

  it('leaves no tensor of a batch behind that one objective could not read', async () => {
    const pairs = datasetOf([{ ...toyPairs(1)[0]!, captions: [] }]);
    const objectives = { 'pixel-regression': 1, 'image-text-contrastive': 1 };
    const mix = { text: 0, image: 2, pair: 2 };
    const before = memory().numTensors;
    await expect(
      objectiveBatches(objectives, toyObjectiveOptions({ config, mix, pairs }))(0),
    ).rejects.toMatchObject({ code: 'data/no-captions' });
    expect(memory().numTensors).toBe(before);
  });

  it('gives with micro-batches and ranks the steps of one batch of all', {
    timeout: 400_000,
  }, async () => {
    const dropping: ModelConfig = modelConfig({ ...config, dropPathRate: 0.2 });
    const run = async (
      pair: number,
      accumulate: number,
      options: Partial<PretrainOptions> = {},
    ) => {
      const steps: StepMetrics[] = [];
      const mix = { text: 0, image: 0, pair };
      const objectives = { 'image-text-contrastive': 1, 'image-text-matching': 0.5 };
      const given = toyRun({ accumulate, mix, objectives }, { config: dropping, ...options });
      const result = await pretrain({ ...given, onStep: (metrics) => void steps.push(metrics) });
      disposeResult(result);
      return steps;
    };
    const whole = await run(4, 1);
    const group = threadGroup(2);
    const ranks = [0, 1].map((rank) =>
      run(1, 2, { communicator: threadCommunicator(group, rank) }),
    );
    for (const steps of [await run(2, 2), ...(await Promise.all(ranks))]) {
      whole.forEach((step, i) => {
        expect(steps[i]!.counts).toEqual(step.counts);
        expect(steps[i]!.samples).toBe(4);
        for (const [part, loss] of Object.entries(step.losses)) {
          expect(steps[i]!.losses[part]).toBeCloseTo(loss, 4);
        }
        expect(steps[i]!.gradientNorm / step.gradientNorm).toBeCloseTo(1, 4);
      });
    }
    expect(whole[0]!.counts).toEqual({ contrastive: 4, matching: 12 });
  });

  it('leaves nothing behind but its result', async () => {
    await withoutLeaks(async () =>
      disposeResult(await pretrain(toyRun({ steps: 1, objectives: ALL, mix: MIX }))),
    );
  });
});

const MIX = { text: 1, image: 1, pair: 2 };

describe('going on from parameters', () => {
  it('begins heads anew that are lacking, and keeps others as they are', async () => {
    const parameters = objectiveParameters(['masked-data-modelling'], config);
    const given = toyRun(
      { steps: 1, objectives: { 'image-text-contrastive': 1 }, mix: { ...MIX, text: 0, image: 0 } },
      { parameters: parameters as Parameters },
    );
    const { visualTokenizer: _, ...withoutCodes } = given;
    const result = await pretrain(withoutCodes);
    const after = result.state.parameters;
    expect(
      Object.keys(after)
        .filter((name) => !parameters[name])
        .sort(),
    ).toEqual(['language_head.weight', 'logit_scale', 'vision_head.weight']);
    const moved = (name: string) => {
      const before = parameters[name]!.dataSync();
      return after[name]!.dataSync().some((value, i) => value !== before[i]);
    };
    expect(moved('beit3.text_embed.weight')).toBe(true);
    expect(moved('mlm_head.weight')).toBe(false);
    expect(after.logit_scale!.dataSync()[0]).not.toBeCloseTo(Math.log(1 / 0.07), 6);
    disposeResult(result);
    dispose(parameters);
  });

  it.each<[string, string, () => PretrainOptions]>([
    [
      'parameters without a backbone',
      'config/parameters',
      () => toyRun({ mix: MIX }, { parameters: {} }),
    ],
    [
      'codes without a visual tokenizer',
      'config/objectives',
      () => {
        const { visualTokenizer: _, ...rest } = toyRun({ mix: MIX });
        return rest;
      },
    ],
    [
      'one pair alone, with contrast',
      'config/objectives',
      () =>
        toyRun({
          objectives: { 'image-text-contrastive': 1 },
          mix: { text: 0, image: 0, pair: 1 },
        }),
    ],
  ])('refuses %s', async (_, code, options) => {
    await withoutLeaks(() => expect(pretrain(options())).rejects.toMatchObject({ code }));
  });
});

describe('learning', () => {
  /** Flat pictures, and what they are called. */
  const flat = (count: number) =>
    Object.keys(COLOURS)
      .slice(0, count)
      .map((name, code) => ({
        id: name,
        image: mosaic([code, code, code, code]),
        captions: [name],
      }));
  const small = toyConfig({ imageSize: [4, 4], dim: 16, ffnDim: 32, layers: 1 });

  it.each<[ObjectiveName, number, string, number]>([
    ['image-text-contrastive', 5, 'contrastive', 0.6],
    ['image-text-matching', 3, 'matching', 0.3],
    ['language-modelling', 5, 'nextCaptionWord', 0.5],
    ['pixel-regression', 5, 'pixels', 0.8],
  ])('%s learns %i pictures', { timeout: 400_000 }, async (name, count, part, below) => {
    const pairs = flat(count);
    const [stream] = OBJECTIVES[name].streams.slice(-1);
    const given = toyRun(
      {
        ...{ lr: 2e-2, warmupSteps: 5, initialization: 'fan-in', steps: 30, maxCaptionLength: 3 },
        objectives: Object.fromEntries(withNeeds(name).map((each) => [each, 1])),
        mix: { text: 0, image: 0, pair: 0, [stream!]: count },
      },
      {
        config: small,
        preprocessor: defaultPreprocessor([4, 4]),
        images: datasetOf(pairs),
        pairs: datasetOf(pairs),
      },
    );
    const { visualTokenizer: _, ...withoutCodes } = given;
    const losses: number[] = [];
    const onStep = (metrics: StepMetrics) => void losses.push(metrics.losses[part]!);
    disposeResult(await pretrain({ ...withoutCodes, onStep }));
    expect(losses[0]).toBeGreaterThan(1.5 * below);
    expect(losses.at(-1)).toBeLessThan(below);
  });
});
