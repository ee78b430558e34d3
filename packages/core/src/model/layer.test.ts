import '@tensorflow/tfjs-backend-cpu';
import { type Tensor, type Tensor3D, tensor, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectClose, normals, valuesOf } from '../../test/numbers.js';
import { attentionOf, dot, geluOf, layerNormOf, rowsOf } from '../../test/reference.js';
import { smallModel, VARIANTS } from '../../test/small-model.js';
import type { Parameters } from '../parameters/parameters.js';
import { multiwayLayer } from './layer.js';
import type { Segment } from './routing.js';

const SEGMENTS: Segment[] = [
  { way: 'A', length: 3 },
  { way: 'B', length: 2 },
];
const DIM = 8;
const HEADS = 2;

/** Layer `layer` on the rows of one sample, in float64; `expert` names the suffix of a module. */
function layerOf(
  rows: number[][],
  parameters: Parameters,
  layer: number,
  expert: (module: string, row: number) => string,
): number[][] {
  const values = (module: string, row: number, rest: string) => {
    const name = `beit3.encoder.layers.${layer}.${module}${expert(module, row)}.${rest}`;
    return valuesOf(parameters[name]!);
  };
  const affine = (x: number[], module: string, row: number, part = '') => {
    const bias = values(module, row, `${part}bias`);
    return rowsOf(values(module, row, `${part}weight`), x.length).map(
      (w, o) => dot(w, x) + bias[o]!,
    );
  };
  const norm = (x: number[], module: string, row: number, part = '') =>
    layerNormOf(x, values(module, row, `${part}weight`), values(module, row, `${part}bias`), 1e-5);

  const normed = rows.map((x, i) => norm(x, 'self_attn_layer_norm', i));
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((projection) =>
    normed.map((x, i) => affine(x, `self_attn.${projection}`, i)),
  );
  const width = DIM / HEADS;
  const none = rows.map(() => rows.map(() => 0));
  const heads = Array.from({ length: HEADS }, (_, h) => {
    const part = (x: number[][]) => x.map((row) => row.slice(h * width, (h + 1) * width));
    return attentionOf(part(q!), part(k!), part(v!), width ** -0.5, none);
  });
  const middle = rows.map((x, i) => {
    const merged = heads.flatMap((head) => head[i]!);
    const out = affine(norm(merged, 'self_attn.inner_attn_ln', i), 'self_attn.out_proj', i);
    return x.map((value, d) => value + out[d]!);
  });
  return middle.map((x, i) => {
    const hidden = affine(norm(x, 'final_layer_norm', i), 'ffn', i, 'fc1.').map(geluOf);
    const out = affine(norm(hidden, 'ffn', i, 'ffn_layernorm.'), 'ffn', i, 'fc2.');
    return x.map((value, d) => value + out[d]!);
  });
}

describe.each(VARIANTS)('a layer, %s', (variant, changes) => {
  const { config, parameters } = smallModel(changes);
  const xs = SEGMENTS.map(
    ({ length }, s) => tensor(normals(2 * length * DIM, s + 1), [2, length, DIM]) as Tensor3D,
  );

  it.each([0, 2])('is its formula on plain numbers (layer %i)', (layer) => {
    const fusing = variant === 'paper' && layer === 2;
    const expert = (module: string, row: number) => {
      if (variant === 'paper' && module.startsWith('self_attn.')) return '';
      if (fusing && module === 'ffn') return '.VL';
      return row < SEGMENTS[0]!.length ? '.A' : '.B';
    };
    tidy(() => {
      const ys = multiwayLayer(xs, parameters, {
        config,
        layer,
        mode: 'fused',
        segments: SEGMENTS,
      });
      for (const sample of [0, 1]) {
        const sampleRows = (x: Tensor) => rowsOf(valuesOf(x), DIM);
        const own = (x: Tensor3D, s: number) =>
          sampleRows(x).slice(sample * SEGMENTS[s]!.length, (sample + 1) * SEGMENTS[s]!.length);
        const expected = layerOf(xs.flatMap(own), parameters, layer, expert);
        expectClose(ys.flatMap(own).flat(), expected.flat());
      }
    });
  });

  it('shows what flows through it', () => {
    const seen: Record<string, number[]> = {};
    tidy(() => {
      multiwayLayer(xs, parameters, {
        config,
        layer: 1,
        mode: 'fused',
        segments: SEGMENTS,
        probe: (name, tensor) => {
          seen[name] = tensor.shape;
        },
      });
    });
    expect(seen).toMatchObject({
      'layers.1.ln1': [2, 5, 8],
      'layers.1.q_proj': [2, 5, 8],
      'layers.1.attention_map': [2, 2, 5, 5],
      'layers.1.attn_out': [2, 5, 8],
      'layers.1.residual_after_attn': [2, 5, 8],
      'layers.1.ffn.0.fc1': [2, 3, 12],
      'layers.1.ffn.1.fc1': [2, 2, 12],
      'layers.1.ffn_out': [2, 5, 8],
    });
  });
});
