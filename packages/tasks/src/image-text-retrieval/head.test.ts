import { initialValues } from '@imglish/core';
import { expectAllClose } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { pixelsOf, randomParameters, smallConfig, textOf } from '../../test/small-model.js';
import { embedImages, embedTexts, forward, headSpecs } from './head.js';

const config = smallConfig();
const specs = headSpecs(config);
const parameters = randomParameters(config, specs);
const image = { pixels: pixelsOf(config, 3) };
const textIds = textOf(config, 3, 5);
const valuesOf = (x: Tensor2D) => [...x.dataSync()];

describe('the vectors of retrieval', () => {
  it('have length 1', () => {
    tidy(() => {
      const { image: images, text } = forward(parameters, config, { image, textIds });
      for (const vectors of [images, text]) {
        expect(vectors.shape).toEqual([3, 8]);
        const norms = [0, 1, 2].map((i) =>
          Math.hypot(...valuesOf(vectors).slice(8 * i, 8 * i + 8)),
        );
        expectAllClose(norms, [1, 1, 1], { absolute: 1e-6 });
      }
    });
  });

  it('are those of separate passes: an index of either can be made alone', () => {
    tidy(() => {
      const both = forward(parameters, config, { image, textIds });
      expect(valuesOf(embedImages(parameters, config, image))).toEqual(valuesOf(both.image));
      expect(valuesOf(embedTexts(parameters, config, { textIds }))).toEqual(valuesOf(both.text));
    });
  });

  it('begin at a temperature of 0.07, stored as a logarithm', () => {
    const [logarithm] = initialValues('logit_scale', specs.logit_scale!, 1);
    expect(Math.exp(logarithm!)).toBeCloseTo(1 / 0.07, 4);
    tidy(() => {
      const { scale } = forward(parameters, config, { image, textIds });
      const stored = parameters.logit_scale!.dataSync()[0]!;
      expect(scale.dataSync()[0]).toBeCloseTo(Math.exp(stored), 5);
    });
  });
});
