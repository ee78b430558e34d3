import { auto } from '@imglish/backend-auto/node';
import type { Backend, Dataset, ImageExample } from '@imglish/core';
import { pixelTeacher, trainVqKd, vqKdRecipe } from '@imglish/pretrain';
import { toPixels, type VqKdTokenizer, vqKdConfig } from '@imglish/tokenizers';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

// VQ-KD where steps are compiled, beside the same op by op.

let backend: Backend;
beforeAll(async () => {
  ({ backend } = await auto({ backend: 'onnx' }));
}, 60_000);
afterAll(() => backend.dispose());

const images: Dataset<ImageExample> = {
  size: 7,
  async get(index) {
    const data = Uint8Array.from({ length: 192 }, (_, i) => (37 * i * (index + 1)) % 256);
    return { id: String(index), image: { width: 8, height: 8, data } };
  },
};
const options = {
  config: vqKdConfig({
    ...{ imageSize: 8, patchSize: 4, dim: 16, heads: 2, encoderLayers: 1, decoderLayers: 1 },
    ...{ codes: 6, codeDim: 4, teacherDim: 49, pixelDecoder: true },
  }),
  recipe: vqKdRecipe({
    ...{ steps: 4, batch: 3, lr: 1e-3, minLr: 1e-3, warmupSteps: 0, maxGradientNorm: 0.5 },
    ...{ decay: 0.9, startImages: 6, window: 2, revive: true },
  }),
  images,
  teacher: pixelTeacher(4),
};

function largestDifference(a: VqKdTokenizer, b: VqKdTokenizer): number {
  const others = b.toTensors();
  const all = Object.entries(a.toTensors()).map(([name, { data }]) =>
    data.reduce((most, value, i) => Math.max(most, Math.abs(value - others[name]!.data[i]!)), 0),
  );
  return Math.max(...all);
}

it('compiled training learns what training op by op does, and encodes as it', async () => {
  const { numTensors } = memory();
  const eager = await trainVqKd(options);
  const { compiler } = backend;
  const compiled = await trainVqKd({ ...options, compiler: compiler! });
  expect(compiled.metrics!.gradientNorm).toBeGreaterThan(0.5);
  expect(compiled.metrics!.gradientNorm).toBeCloseTo(eager.metrics!.gradientNorm, 3);
  for (const [stream, loss] of Object.entries(eager.metrics!.losses)) {
    expect(compiled.metrics!.losses[stream]).toBeCloseTo(loss, 4);
  }
  // AdamW turns a gradient near zero, which rounding decides, into a whole step of 1e-3.
  expect(largestDifference(eager.tokenizer, compiled.tokenizer)).toBeLessThan(4e-3);
  const pixels = await Promise.all(
    [0, 1, 2].map(async (i) => toPixels((await images.get(i)).image)),
  );
  expect(await compiled.tokenizer.encodeAll(pixels)).toEqual(
    await eager.tokenizer.encodeAll(pixels),
  );
  const codes = Int32Array.of(0, 1, 2, 3);
  const drawn = await compiled.tokenizer.decode!(codes, [2, 2]);
  expect(drawn.data.every(Number.isFinite)).toBe(true);
  await eager.tokenizer.dispose();
  await compiled.tokenizer.dispose();
  expect(memory().numTensors).toBe(numTensors);
}, 60_000);
