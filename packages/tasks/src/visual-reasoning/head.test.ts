import { beit3, type ImageInput } from '@imglish/core';
import { expectAllClose } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { slice, type Tensor2D, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { gelu, referenceModules, rowOf } from '../../test/reference.js';
import {
  normals,
  pixelsOf,
  randomParameters,
  smallConfig,
  textOf,
} from '../../test/small-model.js';
import { forward, headSpecs } from './head.js';

const config = smallConfig();
const parameters = randomParameters(config, headSpecs(config, { classes: 2 }));
const textIds = textOf(config, 2, 4);
const [a, b] = [pixelsOf(config, 2), pixelsOf(config, 2, 'others')];

const logitsOf = (imageA: ImageInput, imageB: ImageInput, ids: Tensor2D = textIds) =>
  tidy(() => [...forward(parameters, config, { imageA, imageB, textIds: ids }).logits.dataSync()]);

describe('a statement about two images', () => {
  it('is judged by <cls> and <s> of both passes', () => {
    tidy(() => {
      const inputs = { imageA: { pixels: a }, imageB: { pixels: b }, textIds };
      const { logits } = forward(parameters, config, inputs);
      const [passA, passB] = [a, b].map((pixels) =>
        beit3(parameters, config, { image: { pixels }, textIds }).sequence.dataSync(),
      );
      const { norm, linear } = referenceModules(parameters);
      const expected = [0, 1].flatMap((sample) => {
        const first = (pass: ArrayLike<number>) =>
          [0, 7].flatMap((row) => rowOf(pass, { length: 11, width: 8 }, sample, row));
        const hidden = linear(
          norm([...first(passA!), ...first(passB!)], 'head.norm1'),
          'head.dense1',
        );
        return linear(norm(hidden, 'head.norm2').map(gelu), 'head.dense2');
      });
      expectAllClose(logits, expected);
    });
  });

  it('is judged sample by sample, in whatever batch', () => {
    const whole = logitsOf({ pixels: a }, { pixels: b });
    const one = (x: Tensor4D, i: number) => ({ pixels: slice(x, [i, 0, 0, 0], [1, -1, -1, -1]) });
    const alone = [0, 1].flatMap((i) =>
      logitsOf(one(a, i), one(b, i), slice(textIds, [i, 0], [1, -1])),
    );
    expectAllClose(whole, alone, { absolute: 1e-5 });
  });

  it('tells the first image from the second', () => {
    expect(logitsOf({ pixels: b }, { pixels: a })).not.toEqual(
      logitsOf({ pixels: a }, { pixels: b }),
    );
  });

  it('takes patches as well, but not one of each', () => {
    const patches = { patches: normals([2, 6, 12], 'patches') as Tensor3D, grid: [2, 3] as const };
    expect(logitsOf(patches, patches).every(Number.isFinite)).toBe(true);
    expect(() => logitsOf(patches, { pixels: a })).toThrow(
      expect.objectContaining({ code: 'config/mixed-images' }),
    );
  });
});
