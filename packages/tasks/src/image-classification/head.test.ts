import { beit3 } from '@imglish/core';
import { expectAllClose } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { referenceModules, rowOf } from '../../test/reference.js';
import { pixelsOf, randomParameters, smallConfig } from '../../test/small-model.js';
import { forward, headSpecs } from './head.js';

it('classifies the mean of the patches, <cls> left out', () => {
  const config = smallConfig({ normalizeOutput: false });
  const parameters = randomParameters(config, headSpecs(config, { classes: 3 }));
  const image = { pixels: pixelsOf(config, 2) };
  tidy(() => {
    const { logits } = forward(parameters, config, { image });
    const sequence = beit3(parameters, config, { image }).sequence.dataSync();
    const { norm, linear } = referenceModules(parameters);
    const expected = [0, 1].flatMap((sample) => {
      const patches = [1, 2, 3, 4, 5, 6].map((row) =>
        rowOf(sequence, { length: 7, width: 8 }, sample, row),
      );
      const mean = patches[0]!.map((_, d) => patches.reduce((sum, row) => sum + row[d]! / 6, 0));
      return linear(norm(mean, 'fc_norm'), 'head');
    });
    expect(logits.shape).toEqual([2, 3]);
    expectAllClose(logits, expected);
  });
});
