import { initialValues, modelConfig } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { withInitialization } from './initialization.js';
import { pretrainSpecs } from './pretrain.js';

const config = modelConfig({
  imageSize: [16, 16],
  patchSize: 8,
  vocabularySize: 300,
  dim: 64,
  heads: 4,
  ffnDim: 128,
  layers: 2,
});

function std(name: string, specs: ReturnType<typeof pretrainSpecs>): number {
  const values = initialValues(name, specs[name]!, 0);
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
}

describe('withInitialization', () => {
  const reference = pretrainSpecs(config, 32);

  it('leaves the reference alone', () => {
    expect(withInitialization(reference, 'reference')).toBe(reference);
  });

  it('scales linear layers by their inputs, and lets words and positions be seen', () => {
    const specs = withInitialization(reference, 'fan-in');
    expect(Object.keys(specs)).toEqual(Object.keys(reference));
    expect(std('beit3.encoder.layers.0.self_attn.q_proj.A.weight', specs)).toBeCloseTo(1 / 8, 2);
    expect(std('beit3.encoder.layers.1.ffn.B.fc2.weight', specs)).toBeCloseTo(128 ** -0.5, 2);
    expect(std('mlm_head.weight', specs)).toBeCloseTo(1 / 8, 2);
    expect(std('beit3.text_embed.weight', specs)).toBeCloseTo(1, 1);
    expect(std('beit3.encoder.embed_positions.B.weight', specs)).toBeCloseTo(0.5, 1);
    for (const name of ['beit3.vision_embed.proj.weight', 'mlm_head.bias']) {
      expect(specs[name]).toEqual(reference[name]);
    }
  });
});
