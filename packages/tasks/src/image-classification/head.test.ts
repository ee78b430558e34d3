import { beit3 } from '@imglish/core';
import { expectAllClose } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { pixelsOf, randomParameters, smallConfig } from '../../test/small-model.js';
import { forward, headSpecs } from './head.js';

it('classifies the mean of the patches, <cls> left out', () => {
  const config = smallConfig({ normalizeOutput: false });
  const parameters = randomParameters(config, headSpecs(config, { classes: 3 }));
  const image = { pixels: pixelsOf(config, 2) };
  const [logits, sequence] = tidy(() => [
    [...forward(parameters, config, { image }).logits.dataSync()],
    [...beit3(parameters, config, { image }).sequence.dataSync()],
  ]);
  const values = (name: string) => [...parameters[name]!.dataSync()];
  const expected = [0, 1].flatMap((sample) => {
    const rows = Array.from({ length: 7 }, (_, row) =>
      sequence!.slice((sample * 7 + row) * 8, (sample * 7 + row + 1) * 8),
    );
    const pooled = rows[0]!.map((_, d) => rows.slice(1).reduce((sum, row) => sum + row[d]!, 0) / 6);
    const mean = pooled.reduce((sum, x) => sum + x, 0) / 8;
    const variance = pooled.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 8;
    const [gamma, beta] = [values('fc_norm.weight'), values('fc_norm.bias')];
    const normed = pooled.map(
      (x, d) => ((x - mean) / Math.sqrt(variance + 1e-5)) * gamma[d]! + beta[d]!,
    );
    const [weight, bias] = [values('head.weight'), values('head.bias')];
    return bias.map((b, c) => normed.reduce((sum, x, d) => sum + x * weight[c * 8 + d]!, b));
  });
  expect(logits!.length).toBe(6);
  expectAllClose(logits!, expected, { absolute: 1e-5 });
});
