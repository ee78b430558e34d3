import { describe, expect, it } from 'vitest';
import { VQ_KD_PRESETS, vqKdConfig, vqKdPreset } from './config.js';
import { vqKdSpecs } from './specs.js';

describe('vqKdConfig', () => {
  it.each(VQ_KD_PRESETS)('takes the preset %s', (name) => {
    expect(vqKdConfig(vqKdPreset(name))).toEqual(vqKdPreset(name));
  });

  it('has the tokenizer of BEiT-3: 8192 codes of 32', () => {
    const specs = vqKdSpecs(vqKdPreset('base-decoder3-clip'));
    expect(specs['quantize.embedding.weight']!.shape).toEqual([8192, 32]);
  });

  const tiny = vqKdPreset('tiny');
  it.each([
    ['an unknown key', { ...tiny, code: 3 }, 'config/unknown-key'],
    ['no codes', { ...tiny, codes: 0 }, 'config/invalid-value'],
    ['half a patch', { ...tiny, patchSize: 7 }, 'config/invalid-value'],
    ['heads that do not divide', { ...tiny, heads: 3 }, 'config/invalid-value'],
    ['a pixel decoder of 1', { ...tiny, pixelDecoder: 1 as never }, 'config/invalid-value'],
  ])('refuses %s', (_, config, code) => {
    expect(() => vqKdConfig(config)).toThrow(expect.objectContaining({ code }));
  });

  it('names the nearest preset', () => {
    const unknown = () => vqKdPreset('tinny' as never);
    expect(unknown).toThrow(/nearest: tiny/);
  });
});
