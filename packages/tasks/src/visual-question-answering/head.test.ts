import { valueAndGradients } from '@imglish/core';
import { expectAllClose } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { dispose, type Scalar, slice, square, sum, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { pixelsOf, randomParameters, smallConfig, textOf } from '../../test/small-model.js';
import { forward, headSpecs } from './head.js';

const config = smallConfig({ normalizeOutput: false });
const parameters = randomParameters(config, headSpecs(config, { answers: 4 }));
const image = { pixels: pixelsOf(config, 2) };
const textIds = textOf(config, 2, 5);

describe('answers to a question', () => {
  it('do not hang on what stands at padding', () => {
    tidy(() => {
      const paddingMask = tensor2d([0, 0, 0, 1, 1, 0, 0, 0, 1, 1], [2, 5]);
      const padded = forward(parameters, config, { image, textIds, paddingMask }).logits;
      const short = slice(textIds, [0, 0], [-1, 3]);
      const plain = forward(parameters, config, { image, textIds: short }).logits;
      expect(padded.shape).toEqual([2, 4]);
      expectAllClose(padded, plain, { absolute: 1e-5 });
    });
  });

  it('are read off <cls> alone', () => {
    const { loss, gradients } = valueAndGradients((p) => {
      const { logits } = forward(p, config, { image, textIds });
      return { loss: sum(square(logits)) as Scalar };
    }, parameters);
    // what the language experts do after the last attention no longer reaches <cls>
    const last = gradients['beit3.encoder.layers.1.ffn.B.fc2.weight']!.dataSync();
    expect(new Set(last)).toEqual(new Set([0]));
    const vision = gradients['beit3.encoder.layers.1.ffn.A.fc2.weight']!.dataSync();
    expect(vision.some((x) => x !== 0)).toBe(true);
    dispose([loss, gradients]);
  });
});
