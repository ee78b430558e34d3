import '@tensorflow/tfjs-backend-cpu';
import { disposeAll, draw, initialValues, memoryDirectory, ops } from '@imglish/core';
import {
  memory,
  type Tensor2D,
  type Tensor3D,
  tensor,
  tensor3d,
  tidy,
} from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { patchify } from '../../image/patches.js';
import type { Pixels } from '../../image/pixels.js';
import type { HostTensor } from '../visual-tokenizer.js';
import { loadVisualTokenizer, saveVisualTokenizer, visualTokenizer } from '../visual-tokenizers.js';
import { vqKdConfig } from './config.js';
import { nearestCodes } from './quantize.js';
import { vqKdSpecs } from './specs.js';
import { vqKdEncode } from './vq-kd.js';
import { VqKdTokenizer } from './vq-kd-tokenizer.js';

const config = vqKdConfig({
  ...{ imageSize: 8, patchSize: 4, dim: 16, heads: 2, encoderLayers: 1, decoderLayers: 1 },
  ...{ codes: 8, codeDim: 4, teacherDim: 49, pixelDecoder: true },
});

/** First weights, and a codebook of random rows of norm 1. */
function tensorsOf(given = config): Record<string, HostTensor> {
  const tensors: Record<string, HostTensor> = {};
  for (const [name, spec] of Object.entries(vqKdSpecs(given))) {
    tensors[name] = { shape: spec.shape, data: initialValues(name, spec, 1) };
  }
  const { data } = tensors['quantize.embedding.weight']!;
  const random = draw(1, 'rows');
  for (let at = 0; at < data.length; at += given.codeDim) {
    const row = Array.from({ length: given.codeDim }, () => random.normal());
    const norm = Math.hypot(...row);
    data.set(
      row.map((value) => value / norm),
      at,
    );
  }
  return tensors;
}

function picture(seed: number, side = 8): Pixels {
  const random = draw(seed, 'pixels');
  const data = Float32Array.from({ length: 3 * side * side }, () => 2 * random.uniform() - 1);
  return { height: side, width: side, data };
}

const GRID = [2, 2] as const;

it('gives each patch the nearest code, alone and among others, and frees what it takes', async () => {
  const { numTensors } = memory();
  const tensors = tensorsOf();
  const tokenizer = new VqKdTokenizer(config, tensors);
  const pictures = [1, 2, 3].map((seed) => picture(seed));
  const together = await tokenizer.encodeAll(pictures);
  const alone = await Promise.all(pictures.map((pixels) => tokenizer.encode(pixels)));
  expect(together).toEqual(alone);
  expect(new Set(together.flatMap((codes) => [...codes])).size).toBeGreaterThan(1);

  const parameters = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [name, tensor(data, [...shape])]),
  );
  const expected = tidy(() => {
    const patches = tensor3d(patchify(pictures[1]!, 4).data, [1, 4, 48]) as Tensor3D;
    const z = ops.l2Normalize(vqKdEncode(parameters, config, patches)) as Tensor2D;
    return nearestCodes(z, parameters['quantize.embedding.weight'] as Tensor2D).dataSync();
  });
  expect([...together[1]!]).toEqual([...expected]);
  disposeAll(parameters);

  await tokenizer.dispose();
  expect(memory().numTensors).toBe(numTensors);
  expect(await tokenizer.encode(pictures[0]!)).toEqual(together[0]);
  await tokenizer.dispose();
});

it('draws codes with a pixel decoder only', async () => {
  const tokenizer = new VqKdTokenizer(config, tensorsOf());
  const drawn = await tokenizer.decode!(Int32Array.of(0, 1, 2, 3), GRID);
  const other = await tokenizer.decode!(Int32Array.of(0, 1, 2, 4), GRID);
  expect([drawn.height, drawn.width, drawn.data.length]).toEqual([8, 8, 192]);
  expect(drawn.data).not.toEqual(other.data);
  await expect(tokenizer.decode!(Int32Array.of(0, 1, 2, 8), GRID)).rejects.toMatchObject({
    code: 'tokenizer/code',
  });
  await expect(tokenizer.decode!(Int32Array.of(0, 1), [1, 2])).rejects.toMatchObject({
    code: 'tokenizer/grid',
  });
  await tokenizer.dispose();
  const plain = { ...config, pixelDecoder: false };
  expect(new VqKdTokenizer(plain, tensorsOf(plain)).decode).toBeUndefined();
});

it('is the same when it comes back from a directory', async () => {
  const directory = memoryDirectory();
  const tokenizer = new VqKdTokenizer(config, tensorsOf());
  await saveVisualTokenizer(directory, tokenizer);
  const loaded = await loadVisualTokenizer(directory);
  expect(loaded.toJSON()).toEqual({ type: 'vq-kd', ...config });
  expect(loaded.toTensors()).toEqual(tokenizer.toTensors());
  expect(await loaded.encode(picture(5))).toEqual(await tokenizer.encode(picture(5)));
  await loaded.dispose!();
  await tokenizer.dispose();
});

it('refuses images of another size and files that do not fit', async () => {
  const tokenizer = new VqKdTokenizer(config, tensorsOf());
  expect(tokenizer.grid(8, 8)).toEqual(GRID);
  await expect(tokenizer.encode(picture(1, 12))).rejects.toMatchObject({ code: 'image/size' });
  const { 'encoder.cls_token': cls, ...others } = tensorsOf();
  const reshaped = { ...others, 'encoder.cls_token': { ...cls!, shape: [16] }, more: cls! };
  const make = (json: unknown, tensors: Record<string, HostTensor>) => () =>
    visualTokenizer(json, tensors);
  const json = tokenizer.toJSON();
  expect(make(json, others)).toThrow(
    expect.objectContaining({
      code: 'tokenizer/tensors',
      got: 'encoder.cls_token none (expected [1,1,16])',
    }),
  );
  expect(make(json, reshaped)).toThrow(
    /encoder\.cls_token \[16\].*more \[1,1,16\] \(expected none/,
  );
  expect(make({ ...json, heads: 3 }, tensorsOf())).toThrow(
    expect.objectContaining({ code: 'config/invalid-value' }),
  );
  expect(make({ ...json, type: 'vqkd' }, tensorsOf())).toThrow(
    expect.objectContaining({
      code: 'tokenizer/visual-type',
      got: 'vqkd (nearest: vq-kd)',
    }),
  );
});
