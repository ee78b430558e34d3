import { cpu } from '@imglish/backend-cpu';
import { onnx } from '@imglish/backend-onnx/node';
import {
  type Backend,
  backboneSpecs,
  beit3,
  type Compiler,
  draw,
  initializeParameters,
  modelConfig,
  ops,
  type Parameters,
} from '@imglish/core';
import {
  type BatchSource,
  type Loss,
  parameterGroups,
  type Run,
  type StateSource,
  type StepMetrics,
  type TrainOptions,
  type TrainResult,
  train,
} from '@imglish/train';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

// Whole training steps: a small BEiT-3 that fills in words beside a picture.

const [B, T, M] = [2, 5, 3];

interface FillIn {
  size: number;
  count: number;
  inputs: {
    image: { patches: tf.Tensor3D; grid: [number, number] };
    textIds: tf.Tensor2D;
    paddingMask: tf.Tensor2D;
  };
  slots: { positions: tf.Tensor1D; labels: tf.Tensor1D; weights: tf.Tensor1D };
  dropPath: tf.Tensor3D;
}

const config = modelConfig({
  imageSize: [4, 4],
  patchSize: 2,
  vocabularySize: 11,
  dim: 8,
  heads: 2,
  ffnDim: 12,
  layers: 2,
  maxTextPositions: 12,
  variant: 'paper',
  fusionLayers: 1,
});
const specs = backboneSpecs(config);

/** Batch i has i mod 3 + 1 slots filled; ids repeat within it. */
const batches: BatchSource<FillIn> = async (index) => {
  const random = draw(4, 'fill-in', index);
  const ids = Int32Array.from({ length: B * T }, () => random.integer(6));
  const count = (index % 3) + 1;
  return {
    size: B,
    count,
    inputs: {
      image: {
        patches: tf.tensor3d(
          Float32Array.from({ length: B * 4 * 12 }, () => random.normal()),
          [B, 4, 12],
        ),
        grid: [2, 2],
      },
      textIds: tf.tensor2d(ids, [B, T], 'int32'),
      paddingMask: tf.tensor2d([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [B, T]),
    },
    slots: {
      positions: tf.tensor1d([1, 1, 7], 'int32'),
      labels: tf.tensor1d(ids.slice(0, M), 'int32'),
      weights: tf.tensor1d([1, count > 1 ? 1 : 0, count > 2 ? 1 : 0]),
    },
    dropPath: tf.tensor3d([1, 0, 1.25, 1.25, 0, 1, 1, 1], [2, 2, B]),
  };
};

const lossWith =
  (recompute: boolean): Loss<FillIn> =>
  (parameters: Parameters, { inputs, slots, dropPath, count }) => {
    const { text } = beit3(parameters, config, inputs, { dropPath, recompute });
    const rows = ops.gatherRows(
      ops.reshape(text!, [-1, config.dim]) as tf.Tensor2D,
      slots.positions,
    );
    // Words are told by their own embeddings: a table with two uses.
    const table = parameters['beit3.text_embed.weight']!;
    const logits = ops.linear(rows, table, tf.zeros([config.vocabularySize])) as tf.Tensor2D;
    return { words: { sum: ops.maskedCrossEntropy(logits, slots.labels, slots.weights), count } };
  };

let backend: Backend;
let compiler: Compiler;
let parameters: Record<string, tf.Tensor>;
beforeAll(async () => {
  backend = await onnx(await cpu(), { threads: 2 });
  compiler = backend.compiler!;
  parameters = initializeParameters(specs, 3);
});
afterAll(() => backend.dispose());

async function record(extra: Partial<TrainOptions<FillIn>>) {
  const steps: Omit<StepMetrics, 'timing'>[] = [];
  const result = await train({
    parameters,
    loss: lossWith(false),
    batches,
    counts: ({ count }) => ({ words: count }),
    steps: 20,
    schedule: (step) => 1e-3 / (1 + step / 10),
    groups: parameterGroups(specs, { weightDecay: 0.05, layers: 2, layerDecay: 0.9 }),
    weights: { words: 1 },
    // The gradient of a key's bias is 0 but for rounding, which a smaller ε would make steps of.
    adamW: { epsilon: 1e-6 },
    onStep: ({ timing, ...metrics }) => void steps.push(metrics),
    ...extra,
  });
  const values = valuesOf(result);
  tf.dispose([result.state.parameters, result.state.moments] as never);
  return { steps, values };
}

function valuesOf({ state }: TrainResult): Record<string, number[]> {
  const values: Record<string, number[]> = {};
  for (const [name, tensor] of Object.entries(state.parameters)) {
    values[name] = [...tensor.dataSync()];
    const moments = state.moments[name];
    if (!moments) continue;
    values[`updates ${name}`] = [moments.step];
    values[`m ${name}`] = [...moments.m.dataSync()];
    values[`v ${name}`] = [...moments.v.dataSync()];
  }
  return values;
}

it.each([
  ['in one call', {}],
  ['clipping', { maxGradientNorm: 2 }],
  ['adding up micro-batches', { accumulate: 2, maxGradientNorm: 2 }],
  ['computing activations twice', { loss: lossWith(true) }],
])('does the steps of the eager engine, %s', async (_, extra) => {
  const [eager, compiled] = [await record(extra), await record({ ...extra, compiler })];
  expect(Object.keys(compiled.values)).toEqual(Object.keys(eager.values));
  for (const [name, expected] of Object.entries(eager.values)) {
    const top = Math.max(...expected.map(Math.abs));
    const apart = compiled.values[name]!.map((value, i) => Math.abs(value - expected[i]!));
    // Moments follow gradients; where these are all but 0, they are rounding errors.
    const tolerance = /^[mv] /.test(name) ? 1e-4 * top + 1e-8 : 1e-5;
    expect(Math.max(...apart), name).toBeLessThanOrEqual(tolerance);
  }
  eager.steps.forEach((step, i) => {
    expect(compiled.steps[i]!.counts).toEqual(step.counts);
    expect(compiled.steps[i]!.total).toBeCloseTo(step.total, 5);
    expect(compiled.steps[i]!.gradientNorm / step.gradientNorm).toBeCloseTo(1, 5);
  });
});

it('resumes to the same bits', async () => {
  const whole = await record({ compiler });
  const run = memoryRun();
  await record({ compiler, steps: 7, run });
  const resumed = await record({ compiler, run });
  expect(resumed.steps).toEqual(whole.steps.slice(7));
  expect(resumed.values).toEqual(whole.values);
});

it('ends at what is not finite with the words of the eager engine', async () => {
  const poisoned: BatchSource<FillIn> = async (index) => {
    const batch = await batches(index);
    if (index !== 2) return batch;
    batch.inputs.image.patches.dispose();
    const image = { ...batch.inputs.image, patches: tf.fill<tf.Rank.R3>([B, 4, 12], Number.NaN) };
    return { ...batch, inputs: { ...batch.inputs, image } };
  };
  const failure = (extra: Partial<TrainOptions<FillIn>>) =>
    record({ batches: poisoned, ...extra }).then(
      () => '',
      (error) => `${error.code}: ${error.message}`,
    );
  const eager = await failure({});
  expect(eager).toMatch(/^train\/not-finite: .* NaN in stream words in step 3; the gradient of /);
  expect(await failure({ compiler })).toBe(eager);
});

/** Keeps the last state as copies. */
function memoryRun(): Run {
  let saved: StateSource | undefined;
  return {
    every: 100,
    restore: async () => saved && { ...saved, close: async () => {} },
    async save({ step, parameters, moments }) {
      const copy = async ({ shape, read }: StateSource['parameters'][string]) => {
        const values = (await read()).slice();
        return { shape, read: async () => values };
      };
      const copies: Record<string, Awaited<ReturnType<typeof copy>>> = {};
      for (const [name, source] of Object.entries(parameters)) copies[name] = await copy(source);
      const copied: Record<string, StateSource['moments'][string]> = {};
      for (const [name, { step, m, v }] of Object.entries(moments)) {
        copied[name] = { step, m: await copy(m), v: await copy(v) };
      }
      saved = { step, parameters: copies, moments: copied };
    },
    log: async () => {},
  };
}
