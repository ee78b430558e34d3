import '@tensorflow/tfjs-backend-cpu';
import { type Dataset, draw, type ImageExample } from '@imglish/core';
import { toPixels, type VqKdConfig, vqKdConfig } from '@imglish/tokenizers';
import type { Run, StateSource, StepMetrics } from '@imglish/train';
import { memory } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { type VqKdRecipe, vqKdRecipe } from './recipe.js';
import type { CodebookEvent } from './stepper.js';
import { pixelTeacher } from './teachers.js';
import { type TrainVqKdOptions, trainVqKd } from './train-vq-kd.js';

const config: VqKdConfig = vqKdConfig({
  ...{ imageSize: 8, patchSize: 4, dim: 16, heads: 2, encoderLayers: 1, decoderLayers: 1 },
  ...{ codes: 8, codeDim: 4, teacherDim: 49, pixelDecoder: true },
});
const recipe: VqKdRecipe = vqKdRecipe({
  ...{ steps: 12, batch: 4, lr: 3e-3, minLr: 0, warmupSteps: 2, maxGradientNorm: 1 },
  ...{ decay: 0.9, startImages: 8, window: 5, revive: true },
});

/** Pictures of which each quarter has one of eight colours. */
const images: Dataset<ImageExample> = {
  size: 10,
  async get(index) {
    const random = draw(index, 'colours');
    const data = new Uint8Array(3 * 64);
    const quarters = [0, 1, 2, 3].map(() => [0, 1, 2].map(() => 255 * random.integer(2)));
    for (let i = 0; i < 64; i++) {
      const [y, x] = [i >> 3, i & 7];
      data.set(quarters[2 * (y >> 2) + (x >> 2)]!, 3 * i);
    }
    return { id: String(index), image: { width: 8, height: 8, data } };
  },
};

const options: TrainVqKdOptions = { config, recipe, images, teacher: pixelTeacher(4) };

/** Checkpoints in memory, made before the run is broken off by `failAt`. */
function memoryRun(every: number, failAt = Number.POSITIVE_INFINITY) {
  const kept: { state?: StateSource } = {};
  const lines: StepMetrics[] = [];
  const copy = async ({ shape, read }: StateSource['parameters'][string]) => {
    const values = (await read()).slice();
    return { shape, read: async () => values };
  };
  const run: Run = {
    every,
    restore: async () => kept.state && { ...kept.state, close: async () => {} },
    async save({ step, parameters, moments }) {
      const copies: Record<string, Awaited<ReturnType<typeof copy>>> = {};
      for (const [name, source] of Object.entries(parameters)) copies[name] = await copy(source);
      const copied: Record<string, StateSource['moments'][string]> = {};
      for (const [name, { step, m, v }] of Object.entries(moments)) {
        copied[name] = { step, m: await copy(m), v: await copy(v) };
      }
      kept.state = { step, parameters: copies, moments: copied };
    },
    async log(metrics) {
      if (metrics.step === failAt) throw new Error('killed');
      lines.push(metrics);
    },
  };
  return { run, kept, lines };
}

it('learns, tells how the codebook is used, and leaves only the tokenizer', async () => {
  const { numTensors } = memory();
  const events: CodebookEvent[] = [];
  const losses: number[] = [];
  const { tokenizer, step, stopped } = await trainVqKd({
    ...options,
    recipe: { ...recipe, steps: 60, warmupSteps: 5, window: 25 },
    onUsage: (event) => events.push(event),
    onStep: ({ losses: { distillation } }) => void losses.push(distillation!),
  });
  expect(memory().numTensors).toBe(numTensors);
  expect({ step, stopped }).toEqual({ step: 60, stopped: false });
  expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
  expect(events.map(({ step, window }) => [step, window])).toEqual([
    [25, 25],
    [50, 25],
    [60, 10],
  ]);
  for (const { codes, used, dead, revived, step } of events) {
    expect(used + dead.length).toBe(codes);
    expect(revived).toBe(step === 60 ? 0 : dead.length);
  }
  const { data } = tokenizer.toTensors()['quantize.embedding.initted']!;
  expect([...data]).toEqual([1]);
  const codes = await tokenizer.encodeAll(
    await Promise.all([0, 1, 2, 3, 4].map(async (i) => toPixels((await images.get(i)).image))),
  );
  expect(new Set(codes.flatMap((all) => [...all])).size).toBeGreaterThan(3);
  await tokenizer.dispose();
});

it('ends with the same bits when it was broken off', async () => {
  const whole = await trainVqKd(options);
  const first = memoryRun(3, 8);
  await expect(trainVqKd({ ...options, run: first.run })).rejects.toThrow('killed');
  expect(first.kept.state!.step).toBe(6);
  const second = memoryRun(3);
  second.kept.state = first.kept.state!;
  const events: CodebookEvent[] = [];
  const resumed = await trainVqKd({
    ...options,
    run: second.run,
    onUsage: (event) => events.push(event),
  });
  expect(second.lines.map(({ step }) => step)).toEqual([7, 8, 9, 10, 11, 12]);
  expect(events.map(({ step }) => step)).toEqual([10, 12]);
  expect(resumed.tokenizer.toTensors()).toEqual(whole.tokenizer.toTensors());
});

it('codes that nothing uses are dead, and revived where the recipe says so', async () => {
  const after = async (revive: boolean) => {
    const events: CodebookEvent[] = [];
    // One image to begin with: its four vectors cannot start sixteen different codes.
    const { tokenizer } = await trainVqKd({
      ...options,
      config: { ...config, codes: 16 },
      recipe: { ...recipe, startImages: 1, batch: 1, window: 6, revive },
      onUsage: (event) => events.push(event),
    });
    const { data } = tokenizer.toTensors()['quantize.embedding.weight']!;
    const rows = (codes: readonly number[]) =>
      codes.map((code) => [...data.subarray(4 * code, 4 * code + 4)]);
    return { first: events[0]!, rows };
  };
  const [left, revived] = [await after(false), await after(true)];
  const { dead } = left.first;
  expect(dead.length).toBeGreaterThan(8);
  expect(left.first.revived).toBe(0);
  expect(revived.first).toEqual({ ...left.first, revived: dead.length });
  for (const [i, row] of revived.rows(dead).entries()) {
    expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    expect(row).not.toEqual(left.rows(dead)[i]);
  }
});

it('refuses recipes, teachers and data that cannot be', async () => {
  const code = (promise: Promise<unknown>) => promise.catch((error) => error.code);
  expect(await code(trainVqKd({ ...options, teacher: pixelTeacher(8) }))).toBe('config/teacher');
  const short = { ...options.teacher, features: () => new Float32Array(49) };
  expect(await code(trainVqKd({ ...options, teacher: short }))).toBe('config/teacher');
  const none = { ...images, size: 0 };
  expect(await code(trainVqKd({ ...options, images: none }))).toBe('config/no-images');
  expect(() => vqKdRecipe({ decay: 1 })).toThrow(
    expect.objectContaining({ code: 'config/invalid-value' }),
  );
  expect(() => vqKdRecipe({ step: 1 } as Partial<VqKdRecipe>)).toThrow(
    expect.objectContaining({ code: 'config/unknown-key' }),
  );
});
