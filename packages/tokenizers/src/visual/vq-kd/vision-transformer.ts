import { namedLinear, namedNorm, ops, type Parameters, type Probe, parameter } from '@imglish/core';
import type { Tensor, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';

const { add, attention, broadcastRow, concat, gelu, linear, reshape, slice, transpose } = ops;

const NORM = { layerNormEpsilon: 1e-6 };

/**
 * A plain pre-norm Vision Transformer: patches `[B, N, P]` → features `[B, N, D]` of the patches,
 * after `fc_norm` and without `<cls>`.
 *
 *   x ← x + proj(attention(norm1(x)));  x ← x + fc2(gelu(fc1(norm2(x))))
 *
 * Positions are learnt and absolute, for one number of patches (BEiT v2, modeling_finetune.py:
 * 328–400 with `use_mean_pooling` and `return_patch_tokens`). `probe` is shown
 * `{prefix}.hidden.{i}`, the input of block i, and after the last block its output `[B, 1 + N, D]`.
 */
export function visionTransformer(
  patches: Tensor3D,
  parameters: Parameters,
  prefix: string,
  { heads, layers }: { heads: number; layers: number },
  probe?: Probe,
): Tensor3D {
  const kernel = parameter(parameters, `${prefix}.patch_embed.proj.weight`);
  const weight = reshape(kernel, [kernel.shape[0]!, -1]); // [D, P]
  const bias = parameter(parameters, `${prefix}.patch_embed.proj.bias`);
  const embedded = linear(patches, weight, bias) as Tensor3D; // [B, N, D]
  const cls = broadcastRow(parameter(parameters, `${prefix}.cls_token`), embedded);
  const sequence = concat([cls, embedded], 1); // [B, 1 + N, D]
  let x: Tensor3D = add(sequence, parameter(parameters, `${prefix}.pos_embed`));
  probe?.(`${prefix}.hidden.0`, x);
  for (let layer = 0; layer < layers; layer++) {
    const block = `${prefix}.blocks.${layer}`;
    x = add(x, selfAttention(namedNorm(x, parameters, `${block}.norm1`, NORM), parameters, block));
    const normed = namedNorm(x, parameters, `${block}.norm2`, NORM);
    const wide = gelu(namedLinear(normed, parameters, `${block}.mlp.fc1`)); // [B, 1 + N, 4 D]
    x = add(x, namedLinear(wide, parameters, `${block}.mlp.fc2`) as Tensor3D);
    probe?.(`${prefix}.hidden.${layer + 1}`, x);
  }
  const normed = namedNorm(x, parameters, `${prefix}.fc_norm`, NORM);
  return slice(normed, [0, 1, 0], [-1, -1, -1]);

  function selfAttention(x: Tensor3D, parameters: Parameters, block: string): Tensor3D {
    const qkv = parameter(parameters, `${block}.attn.qkv.weight`); // [3 D, D]: q, k, v
    const dim = qkv.shape[1]!;
    const project = (part: number, bias?: Tensor): Tensor4D => {
      const rows = slice(qkv, [part * dim, 0], [dim, dim]);
      return splitHeads(linear(x, rows, bias) as Tensor3D, heads);
    };
    const q = project(0, parameter(parameters, `${block}.attn.q_bias`));
    const k = project(1);
    const v = project(2, parameter(parameters, `${block}.attn.v_bias`));
    const attended = attention(q, k, v, (dim / heads) ** -0.5); // [B, H, 1 + N, d]
    return namedLinear(mergeHeads(attended), parameters, `${block}.attn.proj`);
  }
}

/** `[B, N, D]` → `[B, H, N, D / H]`. */
function splitHeads(x: Tensor3D, heads: number): Tensor4D {
  const [batch, length, dim] = x.shape;
  return transpose(reshape(x, [batch, length, heads, dim / heads]), [0, 2, 1, 3]) as Tensor4D;
}

/** `[B, H, N, d]` → `[B, N, H d]`. */
function mergeHeads(x: Tensor4D): Tensor3D {
  const [batch, heads, length, d] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, length, heads * d]) as Tensor3D;
}
