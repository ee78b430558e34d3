import '@tensorflow/tfjs-backend-cpu';
import { disposeAll, draw } from '@imglish/core';
import {
  kMeansStarts,
  patchCount,
  sphericalKMeans,
  type VqKdConfig,
  vqKdConfig,
} from '@imglish/tokenizers';
import { memory, type Tensor3D, tensor3d } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { beginVqKd, disposeVqKdState } from './state.js';
import { vqKdStep } from './step.js';
import { pixelTeacher } from './teachers.js';

const config: VqKdConfig = vqKdConfig({
  ...{ imageSize: 8, patchSize: 4, dim: 16, heads: 2, encoderLayers: 1, decoderLayers: 1 },
  ...{ codes: 8, codeDim: 4, teacherDim: 49, pixelDecoder: true },
});
const options = { lr: 3e-3, weightDecay: 0, decay: 0.9 };

/** Pictures of one colour per patch, and their pixels as the teacher gives them. */
function batch(): { patches: Tensor3D; target: Tensor3D } {
  const random = draw(1, 'step test');
  const teacher = pixelTeacher(4);
  const patches: number[] = [];
  const target: number[] = [];
  for (let i = 0; i < 6 * patchCount(config); i++) {
    const levels = [0, 1, 2].map(() => random.integer(2) * 1.6 - 0.8);
    const data = Float32Array.from({ length: 48 }, (_, at) => levels[Math.floor(at / 16)]!);
    patches.push(...data);
    target.push(...(teacher.features([{ height: 4, width: 4, data }], [1, 1]) as Float32Array));
  }
  return { patches: tensor3d(patches, [6, 4, 48]), target: tensor3d(target, [6, 4, 49]) };
}

it('learns what the teacher sees and the picture, and leaves no tensor behind', async () => {
  const { numTensors } = memory();
  const state = beginVqKd(config, 3);
  const given = batch();
  const first = await vqKdStep(state, config, given, { ...options, lr: 0 });
  const starts = kMeansStarts(first.codes.length, config.codes, 1);
  state.codebook.rows.set(sphericalKMeans(first.z, config.codeDim, starts, 10).means);
  const before = await vqKdStep(state, config, given, options);
  const tensors = memory().numTensors;
  for (let step = 0; step < 60; step++) await vqKdStep(state, config, given, options);
  expect(memory().numTensors).toBe(tensors);
  const after = await vqKdStep(state, config, given, options);
  expect(after.distillation).toBeLessThan(before.distillation / 3);
  expect(after.pixels!).toBeLessThan(before.pixels! / 2);
  expect(state.step).toBe(63);
  disposeVqKdState(state);
  disposeAll(given);
  expect(memory().numTensors).toBe(numTensors);
});

it('the pixel decoder changes nothing but itself', async () => {
  const given = batch();
  const [withPixels, without] = [true, false].map((pixelDecoder) => ({ ...config, pixelDecoder }));
  const learnt = await Promise.all(
    [withPixels!, without!].map(async (which) => {
      const state = beginVqKd(which, 3);
      state.codebook.rows.fill(0.5);
      await vqKdStep(state, which, given, options);
      const weight = await state.parameters['decoder.fc_norm.weight']!.data();
      disposeVqKdState(state);
      return [...weight];
    }),
  );
  expect(learnt[0]).toEqual(learnt[1]);
  disposeAll(given);
});

it('a teacher of pixels tells black, grey and white apart by direction', () => {
  const direction = (level: number) =>
    pixelTeacher(2).features(
      [{ height: 2, width: 2, data: new Float32Array(12).fill(level) }],
      [1, 1],
    );
  const cosine = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
  const [black, grey, white] = [-1, 0, 1].map((level) => direction(level) as Float32Array);
  expect(cosine(black!, white!)).toBeCloseTo(0, 6);
  expect(cosine(black!, grey!)).toBeCloseTo(Math.SQRT1_2, 6);
});
