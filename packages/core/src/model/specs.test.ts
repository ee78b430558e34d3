import { describe, expect, it } from 'vitest';
import { goldenBytes } from '../../test/checkpoint/fixtures.js';
import { countParameters, describeModel } from './describe.js';
import { dropPathRates } from './drop-path.js';
import { preset } from './presets.js';
import { backboneSpecs, linearSpecs } from './specs.js';

interface Official {
  backbone: Record<'base' | 'large', [name: string, shape: number[]][]> &
    Record<'base_config' | 'large_config', Record<string, unknown>>;
}
const official: Official = JSON.parse(
  new TextDecoder().decode(goldenBytes('official_state_dicts.json')),
);

/** The official list, in which layer 0 stands for all of them. */
function officialNames(size: 'base' | 'large'): [string, number[]][] {
  const entries = Object.entries(official.backbone[size] as unknown as Record<string, number[]>);
  const { layers } = preset(size);
  const first = entries.findIndex(([name]) => name.includes('.layers.0.'));
  const ofLayer = entries.filter(([name]) => name.includes('.layers.0.'));
  const repeated = Array.from({ length: layers }, (_, layer) =>
    ofLayer.map(([name, shape]): [string, number[]] => [
      name.replace('.layers.0.', `.layers.${layer}.`),
      shape,
    ]),
  );
  return [...entries.slice(0, first), ...repeated.flat(), ...entries.slice(first + ofLayer.length)];
}

describe.each(['base', 'large'] as const)('%s', (size) => {
  const config = preset(size);
  const specs = backboneSpecs(config);

  it('has the official names and shapes, in the official order', () => {
    const ours = Object.entries(specs).map(([name, { shape }]) => [name, [...shape]]);
    expect(ours).toEqual(officialNames(size));
  });

  it('has the official sizes', () => {
    const theirs = official.backbone[`${size}_config`];
    expect({
      encoder_embed_dim: config.dim,
      encoder_attention_heads: config.heads,
      encoder_ffn_embed_dim: config.ffnDim,
      encoder_layers: config.layers,
      patch_size: config.patchSize,
      max_source_positions: config.maxTextPositions,
      layernorm_eps: config.layerNormEpsilon,
      vocab_size: config.vocabularySize,
    }).toEqual(
      Object.fromEntries(
        Object.entries(theirs).filter(([key]) =>
          /^(encoder_(embed_dim|attention_heads|ffn_embed_dim|layers)|patch_size|max_source_positions|layernorm_eps|vocab_size)$/.test(
            key,
          ),
        ),
      ),
    );
  });

  it('ends with a norm only where it is asked for', () => {
    const without = Object.keys(backboneSpecs({ ...config, normalizeOutput: false }));
    expect(Object.keys(specs).length - without.length).toBe(4);
    expect(Object.keys(specs).slice(0, -4)).toEqual(without);
  });
});

describe('giant', () => {
  const specs = backboneSpecs(preset('giant'));

  it("has the paper's parameters, which are those of its matrices", () => {
    const matrices = Object.entries(specs).filter(([, { shape }]) => shape.length > 1);
    const { attention, feedForward } = countParameters(Object.fromEntries(matrices));
    const millions = (counts: Record<string, number>) =>
      Object.fromEntries(
        Object.entries(counts).map(([expert, count]) => [expert, Math.round(count / 1e6)]),
      );
    expect(millions(feedForward)).toEqual({ A: 692, B: 692, VL: 52 });
    expect(millions(attention)).toEqual({ shared: 317 });
  });

  it("has 1.85 B in all; the paper's 1.9 B with the head that predicts words", () => {
    const { dim, vocabularySize } = preset('giant');
    const billions = (given: typeof specs) => countParameters(given).total / 1e9;
    expect(billions(specs).toFixed(2)).toBe('1.85');
    const head = linearSpecs('mlm_head', dim, vocabularySize);
    expect(billions({ ...specs, ...head }).toFixed(1)).toBe('1.9');
  });
});

describe('describeModel', () => {
  const config = { ...preset('tiny'), layers: 2, dropPathRate: 0.1 };

  it('counts every parameter once', () => {
    const counts = countParameters(backboneSpecs(preset('small')));
    const { total, wordEmbedding, patchEmbedding, positions, norms } = counts;
    const experts = [...Object.values(counts.attention), ...Object.values(counts.feedForward)];
    const parts = [wordEmbedding, patchEmbedding, positions, norms, ...experts];
    expect(parts.reduce((sum, n) => sum + n, 0)).toBe(total);
    // small by hand: 4000 words; 3·8·8 pixels, bias, <cls>, mask; 3 + 64 and 1024 positions
    expect([wordEmbedding, patchEmbedding, positions]).toEqual([
      4000 * 256,
      (192 + 1 + 1 + 1) * 256,
      (67 + 1024) * 256,
    ]);
    expect(counts.attention).toEqual({ shared: 6 * (4 * (256 * 256 + 256) + 2 * 256) });
    const ffn = 2 * 256 * 1024 + 1024 + 256 + 2 * 1024;
    expect(counts.feedForward).toEqual({ A: 6 * ffn, B: 6 * ffn, VL: 2 * ffn });
    expect(norms).toBe((6 * 2 * 2 + 2) * 2 * 256);
  });

  it('counts FLOPs by hand: tiny with 2 layers, 16 patches, a text of 10', () => {
    const { flops } = describeModel(config, 10);
    const image = {
      tokens: 17,
      patchEmbedding: 2 * 16 * (3 * 8 * 8) * 128,
      projections: 2 * 4 * 2 * 17 * 128 * 128, // layers · projections
      attention: 2 * 2 * 2 * 17 * 17 * 128, // layers · (q kᵀ and p v)
      feedForward: { A: 2 * 2 * 2 * 17 * 128 * 512 }, // layers · (fc1 and fc2)
    };
    expect(flops.image).toEqual({ ...image, total: 786_432 + 4_456_448 + 295_936 + 8_912_896 });
    expect(flops.text.patchEmbedding).toBe(0);
    expect(flops.pair.tokens).toBe(27);
    expect(flops.pair.attention).toBe(2 * 2 * 2 * 27 * 27 * 128);
    expect(flops.pair.feedForward).toEqual({
      A: flops.image.feedForward.A,
      B: flops.text.feedForward.B,
    });
  });

  it('counts fusion experts in pairs only', () => {
    const { flops } = describeModel(preset('small'));
    expect(Object.keys(flops.image.feedForward)).toEqual(['A']);
    expect(Object.keys(flops.pair.feedForward)).toEqual(['A', 'B', 'VL']);
    const perToken = 4 * 256 * 1024;
    expect(flops.pair.feedForward).toEqual({
      A: 4 * 65 * perToken,
      B: 4 * 64 * perToken,
      VL: 2 * (65 + 64) * perToken,
    });
  });

  it('knows drop path rates that grow from 0', () => {
    expect(dropPathRates({ ...config, layers: 3 })).toEqual([0, 0.05, 0.1]);
    expect(dropPathRates({ ...config, layers: 1 })).toEqual([0]);
  });
});
