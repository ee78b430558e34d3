import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import {
  dispose,
  ones,
  type Scalar,
  square,
  sum,
  type Tensor3D,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { normals, valuesOf } from '../../test/numbers.js';
import { pixelsOf, smallConfig, smallModel, textOf, VARIANTS } from '../../test/small-model.js';
import { valueAndGradients } from '../autodiff/autodiff.js';
import { beit3 } from './beit3.js';
import type { ModelConfig } from './config.js';
import { addPositions, embedImage, embedText } from './embeddings.js';
import { type EncoderOptions, encode } from './encoder.js';
import { expertFor, expertsOf, inputWays, type Mode, modeOf, type Part } from './routing.js';
import { backboneSpecs } from './specs.js';

const PARTS: Part[] = ['attention', 'attentionNorm', 'ffn', 'ffnNorm', 'outputNorm'];
const MODES: Mode[] = ['single', 'fused'];
const released = smallConfig();
const paper = smallConfig({ variant: 'paper', fusionLayers: 1 });

/** The table of a part: `layer mode way` → expert. */
function table(config: ModelConfig, part: Part): Record<string, string | undefined> {
  const rows: Record<string, string | undefined> = {};
  for (let layer = 0; layer < config.layers; layer++) {
    for (const mode of MODES) {
      for (const way of ['A', 'B']) {
        rows[`${layer} ${mode} ${way}`] = expertFor(config, layer, part, way, mode);
      }
    }
  }
  return rows;
}

describe('the routing table', () => {
  it.each(PARTS)('as released: %s has an expert per way, everywhere', (part) => {
    for (const [key, expert] of Object.entries(table(released, part))) {
      expect(expert).toBe(key.split(' ')[2]);
    }
  });

  it('as in the paper: attention is shared, norms are per way', () => {
    expect(new Set(Object.values(table(paper, 'attention')))).toEqual(new Set([undefined]));
    for (const part of ['attentionNorm', 'ffnNorm', 'outputNorm'] as const) {
      for (const [key, expert] of Object.entries(table(paper, part))) {
        expect(expert).toBe(key.split(' ')[2]);
      }
    }
  });

  it('as in the paper: VL serves both ways, in the top layers, in fused passes only', () => {
    expect(table(paper, 'ffn')).toEqual({
      '0 single A': 'A',
      '0 single B': 'B',
      '0 fused A': 'A',
      '0 fused B': 'B',
      '1 single A': 'A',
      '1 single B': 'B',
      '1 fused A': 'A',
      '1 fused B': 'B',
      '2 single A': 'A',
      '2 single B': 'B',
      '2 fused A': 'VL',
      '2 fused B': 'VL',
    });
    expect(expertsOf(paper, 1, 'ffn')).toEqual(['A', 'B']);
    expect(expertsOf(paper, 2, 'ffn')).toEqual(['A', 'B', 'VL']);
    expect(expertsOf(paper, 2, 'attention')).toEqual([undefined]);
  });

  it('is fused when several ways are present', () => {
    const a = { way: 'A', length: 3 };
    expect(modeOf([a])).toBe('single');
    expect(modeOf([a, a])).toBe('single');
    expect(modeOf([a, { way: 'B', length: 1 }])).toBe('fused');
  });

  it('knows no way that is not configured', () => {
    expect(() => expertFor(released, 0, 'ffn', 'audio', 'single')).toThrow(
      expect.objectContaining({ code: 'config/unknown-way' }),
    );
    expect(() => expertFor(paper, 0, 'attention', 'VL', 'fused')).toThrow(/VL/);
    const config = smallConfig({ furtherWays: [{ way: 'audio', positions: 5 }] });
    expect(inputWays(config)).toEqual(['A', 'B', 'audio']);
    expect(expertFor(config, 0, 'ffn', 'audio', 'single')).toBe('audio');
  });
});

describe('the names that the table gives', () => {
  const names = (config: ModelConfig) => Object.keys(backboneSpecs(config));

  it('have no suffix where a module is shared', () => {
    const attention = names(paper).filter((name) => name.includes('.layers.0.self_attn.'));
    expect(attention).toContain('beit3.encoder.layers.0.self_attn.q_proj.weight');
    expect(attention).toContain('beit3.encoder.layers.0.self_attn.inner_attn_ln.bias');
    expect(attention.filter((name) => /\.(A|B|VL)\./.test(name))).toEqual([]);
  });

  it('have VL in the top layers only', () => {
    const fusion = names(paper).filter((name) => name.includes('.VL.'));
    expect(new Set(fusion.map((name) => name.split('.').slice(0, 6).join('.')))).toEqual(
      new Set(['beit3.encoder.layers.2.ffn.VL']),
    );
    expect(fusion.length).toBe(6);
    expect(names(released).filter((name) => name.includes('.VL.'))).toEqual([]);
  });
});

/** Names of the parameters that a pass reaches. */
function reached(
  model: ReturnType<typeof smallModel>,
  inputs: ('A' | 'B')[],
  options: EncoderOptions = {},
): string[] {
  const { config, parameters } = model;
  const image = inputs.includes('A') ? { pixels: pixelsOf(config, 1) } : undefined;
  const textIds = inputs.includes('B') ? textOf(config, 1, 4) : undefined;
  const { loss, gradients } = valueAndGradients((p) => {
    const { sequence } = beit3(p, config, { image, textIds }, options);
    return { loss: sum(square(sequence)) as Scalar };
  }, parameters);
  const names = Object.keys(gradients);
  dispose([loss, gradients]);
  return names;
}

describe.each(VARIANTS)('a pass reaches its own experts, %s', (variant, changes) => {
  const model = smallModel(changes);
  const ofWay = (names: string[], way: string) =>
    names.filter((name) => name.split('.').includes(way));

  it('of one way: no expert of the other, no fusion', () => {
    const image = reached(model, ['A']);
    expect([...ofWay(image, 'B'), ...ofWay(image, 'VL')]).toEqual([]);
    expect(image).not.toContain('beit3.text_embed.weight');
    const text = reached(model, ['B']);
    expect([...ofWay(text, 'A'), ...ofWay(text, 'VL')]).toEqual([]);
    expect(text).not.toContain('beit3.vision_embed.proj.weight');
  });

  it('of both: the fusion experts in place of the top ones', () => {
    const pair = reached(model, ['A', 'B']);
    const top = (way: string) => ofWay(pair, way).filter((name) => name.includes('layers.2.ffn'));
    const counts = ['A', 'B', 'VL'].map((way) => top(way).length);
    expect(counts).toEqual(variant === 'paper' ? [0, 0, 6] : [6, 6, 0]);
  });

  it('in the mode that is asked for', () => {
    const single = reached(model, ['A', 'B'], { mode: 'single' });
    expect(ofWay(single, 'VL')).toEqual([]);
  });
});

describe.each(VARIANTS)('a third way, %s', (variant, changes) => {
  const { config, parameters } = smallModel({
    ...changes,
    furtherWays: [{ way: 'audio', positions: 7 }],
  });
  const frames = tensor(normals(2 * 5 * 8, 4), [2, 5, 8]) as Tensor3D;
  const ofAudio = Object.keys(parameters).filter((name) => name.includes('.audio.'));
  const ofOthers = Object.keys(parameters).filter((name) => /\.(A|B|VL)\./.test(name));

  it('has experts, norms and positions of its own', () => {
    const layer = ofAudio.filter((name) => name.includes('layers.0.'));
    // 4 projections, 1 inner norm, 2 norms and fc1, fc2, norm: weight and bias each
    expect(layer.length).toBe(variant === 'paper' ? 10 : 20);
    expect(ofAudio).toContain('beit3.encoder.layer_norm.audio.weight');
    expect(parameters['beit3.encoder.embed_positions.audio.weight']!.shape).toEqual([7, 8]);
  });

  it('learns through them, and through no others', () => {
    const audio = withoutLeaks(() => {
      const { loss, gradients } = valueAndGradients((p) => {
        const segment = addPositions(p, config, 'audio', frames);
        const { segments } = encode(p, config, [segment]);
        return { loss: sum(square(segments[0]!)) as Scalar };
      }, parameters);
      expect(valuesOf(loss).every(Number.isFinite)).toBe(true);
      const silent = Object.entries(gradients).filter(([, g]) => valuesOf(g).every((x) => x === 0));
      expect(silent).toEqual([]);
      dispose([loss, gradients]);
      return Object.keys(gradients);
    });
    expect(audio.filter((name) => name.includes('.audio.'))).toEqual(ofAudio);
    expect(audio.filter((name) => ofOthers.includes(name))).toEqual([]);
  });

  it('goes with an image and a text, and a loss on it reaches what they share', () => {
    const { loss, gradients } = valueAndGradients((p) => {
      const parts = [
        embedImage(p, config, { pixels: pixelsOf(config, 2) }),
        embedText(p, config, textOf(config, 2, 3)),
        addPositions(p, config, 'audio', frames),
      ];
      const { segments } = encode(p, config, parts);
      expect(segments.map(({ shape }) => shape[1])).toEqual([7, 3, 5]);
      return { loss: sum(square(segments[2]!)) as Scalar };
    }, parameters);
    expect(gradients).toHaveProperty(['beit3.text_embed.weight']);
    expect(gradients).toHaveProperty(['beit3.vision_embed.proj.weight']);
    const fusion = gradients['beit3.encoder.layers.2.ffn.VL.fc1.weight'];
    expect(fusion !== undefined).toBe(variant === 'paper');
    dispose([loss, gradients]);
  });

  it('refuses tokens that do not fit it', () => {
    const refused = (shape: [number, number, number]) => () =>
      tidy(() => addPositions(parameters, config, 'audio', ones(shape)).x);
    expect(refused([2, 6, 8])).toThrow(expect.objectContaining({ code: 'shape/too-long' }));
    expect(refused([2, 5, 9])).toThrow(expect.objectContaining({ code: 'shape/embedding' }));
  });
});
