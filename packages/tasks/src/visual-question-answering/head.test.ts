import { beit3 } from '@imglish/core';
import { expectAllClose } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { slice, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { gelu, referenceModules, rowOf } from '../../test/reference.js';
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

  it('are read off <cls>, pooled', () => {
    tidy(() => {
      const { logits } = forward(parameters, config, { image, textIds });
      const sequence = beit3(parameters, config, { image, textIds }).sequence.dataSync();
      const { norm, linear } = referenceModules(parameters);
      const expected = [0, 1].flatMap((sample) => {
        const first = rowOf(sequence, { length: 12, width: 8 }, sample, 0);
        const pooled = linear(norm(first, 'pooler.norm'), 'pooler.dense').map(Math.tanh);
        return linear(norm(linear(pooled, 'head.0'), 'head.1').map(gelu), 'head.3');
      });
      expectAllClose(logits, expected);
    });
  });
});
