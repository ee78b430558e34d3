import type { Tensor, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import {
  add,
  attention,
  attentionMap,
  concat,
  gelu,
  mul,
  reshape,
  slice,
  transpose,
} from '../ops/index.js';
import type { Parameters } from '../parameters/parameters.js';
import type { ModelConfig } from './config.js';
import { namedLinear, namedNorm } from './modules.js';
import { expertFor, type Mode, type Part, type Segment } from './routing.js';
import { expertName } from './specs.js';

/** Shown what flows through a layer, by name; a tensor lives until the pass ends: clone to keep. */
export type Probe = (name: string, tensor: Tensor) => void;

/** q `[B, H, N, d]`, k and v `[B, H, N, d]` of the tokens fed → what they attend to `[B, H, N, d]`. */
export type Attend = (q: Tensor4D, k: Tensor4D, v: Tensor4D) => Tensor4D;

export interface LayerContext {
  config: ModelConfig;
  layer: number;
  mode: Mode;
  segments: readonly Segment[];
  /** Added to the scores, `[B or 1, 1, N or 1, N]`. */
  mask?: Tensor4D | undefined;
  /** What each sample's two residual branches are multiplied by, `[B, 1, 1]` each. */
  dropPath?: readonly [Tensor3D, Tensor3D] | undefined;
  probe?: Probe | undefined;
  onKeysAndValues?: ((keys: Tensor4D, values: Tensor4D) => void) | undefined;
  /** In place of plain self-attention: decoding with a state. */
  attend?: Attend | undefined;
}

/**
 * A Multiway layer with sub-LN (Wang et al. 2022, arXiv 2210.06423), on one tensor `[B, nₛ, D]` per
 * segment s, each through the expert of its way:
 *
 *   x ← x + out_proj(inner_attn_ln(attention(self_attn_layer_norm(x))))
 *   x ← x + fc2(ffn_layernorm(gelu(fc1(final_layer_norm(x)))))
 *
 * Attention runs over the joint sequence (reference: encoder.py:124-162).
 */
export function multiwayLayer(
  xs: readonly Tensor3D[],
  parameters: Parameters,
  context: LayerContext,
): Tensor3D[] {
  const { dropPath } = context;
  const attended = selfAttention(xs, parameters, context);
  const middle = xs.map((x, s) => residual(x, attended[s]!, dropPath?.[0]));
  probeAll(context, 'residual_after_attn', middle);
  const hidden = middle.map((x, s) =>
    namedNorm(
      x,
      parameters,
      moduleNames(context, s)('ffnNorm', 'final_layer_norm'),
      context.config,
    ),
  );
  probeAll(context, 'ln2', hidden);
  const transformed = hidden.map((x, s) => feedForward(x, parameters, context, s));
  probeAll(context, 'ffn_out', transformed);
  return middle.map((x, s) => residual(x, transformed[s]!, dropPath?.[1]));
}

function selfAttention(
  xs: readonly Tensor3D[],
  parameters: Parameters,
  context: LayerContext,
): Tensor3D[] {
  const { config, segments, layer, probe } = context;
  const heads = config.heads;
  const scale = (config.dim / heads) ** -0.5;
  const normed = xs.map((x, s) =>
    namedNorm(
      x,
      parameters,
      moduleNames(context, s)('attentionNorm', 'self_attn_layer_norm'),
      context.config,
    ),
  );
  probeAll(context, 'ln1', normed);

  const project = (projection: string): Tensor3D[] =>
    normed.map((x, s) =>
      namedLinear(x, parameters, moduleNames(context, s)('attention', `self_attn.${projection}`)),
    );
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((projection) => {
    const projected = project(projection);
    probeAll(context, projection, projected);
    return splitHeads(joined(projected), heads);
  }) as [Tensor4D, Tensor4D, Tensor4D];

  context.onKeysAndValues?.(k, v);
  if (probe) probe(`layers.${layer}.attention_map`, attentionMap(q, k, scale, context.mask));
  const attended = context.attend
    ? context.attend(q, k, v)
    : attention(q, k, v, scale, context.mask); // [B, H, N, d]
  const merged = parted(mergeHeads(attended), segments);
  probeAll(context, 'inner_attn_ln_in', merged);
  const inner = merged.map((x, s) =>
    namedNorm(
      x,
      parameters,
      moduleNames(context, s)('attention', 'self_attn.inner_attn_ln'),
      context.config,
    ),
  );
  probeAll(context, 'inner_attn_ln_out', inner);
  const out = inner.map((x, s) =>
    namedLinear(x, parameters, moduleNames(context, s)('attention', 'self_attn.out_proj')),
  );
  probeAll(context, 'attn_out', out);
  return out;
}

function feedForward(
  x: Tensor3D,
  parameters: Parameters,
  context: LayerContext,
  segment: number,
): Tensor3D {
  const ffn = moduleNames(context, segment)('ffn', 'ffn');
  const show = (name: string, tensor: Tensor) =>
    context.probe?.(`layers.${context.layer}.ffn.${segment}.${name}`, tensor);
  const wide = namedLinear(x, parameters, `${ffn}.fc1`); // [B, n, F]
  show('fc1', wide);
  const active = gelu(wide);
  show('after_gelu', active);
  const normed = namedNorm(active as Tensor3D, parameters, `${ffn}.ffn_layernorm`, context.config);
  show('ffn_layernorm', normed);
  return namedLinear(normed, parameters, `${ffn}.fc2`); // [B, n, D]
}

function moduleNames(
  context: LayerContext,
  segment: number,
): (part: Part, module: string) => string {
  const { config, layer, mode, segments } = context;
  const { way } = segments[segment]!;
  return (part, module) =>
    expertName(
      `beit3.encoder.layers.${layer}.${module}`,
      expertFor(config, layer, part, way, mode),
    );
}

function residual(x: Tensor3D, branch: Tensor3D, keep?: Tensor3D): Tensor3D {
  return add(x, keep ? mul(branch, keep) : branch);
}

/** The segments as one sequence `[B, N, D]`. */
export function joined(xs: readonly Tensor3D[]): Tensor3D {
  return xs.length === 1 ? xs[0]! : concat([...xs], 1);
}

/** One sequence `[B, N, D]` as its segments. */
export function parted(x: Tensor3D, segments: readonly Segment[]): Tensor3D[] {
  if (segments.length === 1) return [x];
  let start = 0;
  return segments.map(({ length }) => {
    const part = slice(x, [0, start, 0], [-1, length, -1]);
    start += length;
    return part;
  });
}

/** `[B, N, D]` → `[B, H, N, D / H]`; heads are contiguous slices of D. */
function splitHeads(x: Tensor3D, heads: number): Tensor4D {
  const [b, n, dim] = x.shape;
  return transpose(reshape(x, [b, n, heads, dim / heads]), [0, 2, 1, 3]) as Tensor4D;
}

/** `[B, H, N, d]` → `[B, N, H d]`. */
function mergeHeads(x: Tensor4D): Tensor3D {
  const [b, h, n, d] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [b, n, h * d]) as Tensor3D;
}

function probeAll(context: LayerContext, name: string, xs: readonly Tensor3D[]): void {
  if (context.probe) context.probe(`layers.${context.layer}.${name}`, joined(xs));
}
