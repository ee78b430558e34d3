import { namedLinear, namedNorm, ops, type Parameters, type Probe, parameter } from '@imglish/core';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';

const { add, broadcastRow, concat, expandDims, gatherRows, gelu, linear, matMul } = ops;
const { mul, reshape, slice, softmax, sub, transpose } = ops;

const NORM = { layerNormEpsilon: 1e-6 };

/** Sizes of BEiT v2's model for masked images. */
export interface MaskedImageConfig {
  heads: number;
  layers: number;
  /** Rows and columns of patches. */
  grid: number;
  /** Blocks before the patches that the `<cls>` branch reads; absent in the plain model. */
  earlyLayers?: number;
  headLayers?: number;
}

/**
 * The model that BEiT v2 pretrains with VQ-KD's codes, which BEiT-3 has taken the place of: patches
 * `[B, N, P]`, mask `[B, N]` (1 = masked) → logits of all patches `[B, N, K]`, one tensor for each
 * branch (modeling_pretrain.py:104–137, 323–347). `probe` is shown `hidden.{i}`, the input of block i,
 * at last what comes out, and `cls_pt.hidden.{i}` of the branch.
 */
export function maskedImageModel(
  parameters: Parameters,
  { heads, layers, grid, earlyLayers, headLayers }: MaskedImageConfig,
  patches: Tensor3D,
  mask: Tensor2D,
  index: Tensor1D,
  probe: Probe,
): Tensor3D[] {
  const kernel = parameter(parameters, 'patch_embed.proj.weight');
  const weight = reshape(kernel, [kernel.shape[0]!, -1]);
  const bias = parameter(parameters, 'patch_embed.proj.bias');
  const embedded = linear(patches, weight, bias) as Tensor3D; // [B, N, D]
  const masked = expandDims(mask, -1);
  const token = parameter(parameters, 'mask_token'); // [1, 1, D]
  const kept = mul(embedded, sub(ops.scalar(1), masked));
  const shown = add(kept, mul(masked, token)) as Tensor3D;
  const cls = broadcastRow(parameter(parameters, 'cls_token'), shown);
  const positions = relativeBias(parameters, grid, index);
  let x = concat([cls, shown], 1) as Tensor3D;
  let early = x;
  probe('hidden.0', x);
  for (let layer = 0; layer < layers; layer++) {
    x = block(x, parameters, `blocks.${layer}`, heads, positions);
    probe(`hidden.${layer + 1}`, x);
    if (layer + 1 === earlyLayers) early = x;
  }
  const branches = [x];
  if (headLayers !== undefined) {
    let y = concat([slice(x, [0, 0, 0], [-1, 1, -1]), slice(early, [0, 1, 0], [-1, -1, -1])], 1);
    probe('cls_pt.hidden.0', y);
    for (let layer = 0; layer < headLayers; layer++) {
      y = block(y as Tensor3D, parameters, `cls_pt_layers.${layer}`, heads, positions);
      probe(`cls_pt.hidden.${layer + 1}`, y);
    }
    branches.push(y as Tensor3D);
  }
  return branches.map((branch) => {
    const normed = namedNorm(branch, parameters, 'norm', NORM);
    const logits = namedLinear(normed, parameters, 'lm_head') as Tensor3D;
    return slice(logits, [0, 1, 0], [-1, -1, -1]);
  });
}

/**
 * Which row of the table of relative positions a query and a key share (item of BEiT: `[1 + N, 1 + N]`
 * flat): (Δrow + G − 1)(2 G − 1) + Δcolumn + G − 1 for query less key; the last three rows are for
 * `<cls>` to a patch, a patch to `<cls>`, `<cls>` to itself (modeling_finetune.py:94–115).
 */
export function relativeIndex(grid: number): Int32Array {
  const length = grid * grid + 1;
  const last = (2 * grid - 1) ** 2 + 2;
  const index = new Int32Array(length * length);
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) {
      const [q, k] = [query - 1, key - 1];
      const rows = Math.floor(q / grid) - Math.floor(k / grid) + grid - 1;
      const columns = (q % grid) - (k % grid) + grid - 1;
      const ofPatches = rows * (2 * grid - 1) + columns;
      index[query * length + key] =
        query > 0 && key > 0 ? ofPatches : query > 0 ? last - 1 : key > 0 ? last - 2 : last;
    }
  }
  return index;
}

/** `[1, H, 1 + N, 1 + N]`, added to the scores of every block. */
function relativeBias(parameters: Parameters, grid: number, index: Tensor1D): Tensor4D {
  const table = parameter(parameters, 'rel_pos_bias.relative_position_bias_table') as Tensor2D;
  const length = grid * grid + 1;
  const rows = reshape(gatherRows(table, index), [length, length, -1]);
  return expandDims(transpose(rows, [2, 0, 1]), 0) as Tensor4D;
}

/** x ← x + γ₁ · attention(norm1(x)); x ← x + γ₂ · mlp(norm2(x)). */
function block(
  x: Tensor3D,
  parameters: Parameters,
  name: string,
  heads: number,
  positions: Tensor4D,
): Tensor3D {
  const scaled = (gamma: string, y: Tensor): Tensor =>
    mul(parameter(parameters, `${name}.${gamma}`), y);
  const normed = namedNorm(x, parameters, `${name}.norm1`, NORM);
  const attended = selfAttention(normed, parameters, name, heads, positions);
  const between = add(x, scaled('gamma_1', attended)) as Tensor3D;
  const again = namedNorm(between, parameters, `${name}.norm2`, NORM);
  const wide = gelu(namedLinear(again, parameters, `${name}.mlp.fc1`));
  return add(between, scaled('gamma_2', namedLinear(wide, parameters, `${name}.mlp.fc2`)));
}

/** Op by op, so that a gradient reaches the positions. */
function selfAttention(
  x: Tensor3D,
  parameters: Parameters,
  name: string,
  heads: number,
  positions: Tensor4D,
): Tensor {
  const qkv = parameter(parameters, `${name}.attn.qkv.weight`);
  const dim = qkv.shape[1]!;
  const [batch, length] = x.shape;
  const project = (part: number, bias?: Tensor): Tensor => {
    const rows = slice(qkv, [part * dim, 0], [dim, dim]);
    const split = reshape(linear(x, rows, bias), [batch, length, heads, dim / heads]);
    return transpose(split, [0, 2, 1, 3]);
  };
  const q = mul(project(0, parameter(parameters, `${name}.attn.q_bias`)), (dim / heads) ** -0.5);
  const v = project(2, parameter(parameters, `${name}.attn.v_bias`));
  const scores = add(matMul(q, transpose(project(1), [0, 1, 3, 2])), positions);
  const out = transpose(matMul(softmax(scores, -1), v), [0, 2, 1, 3]);
  return namedLinear(reshape(out, [batch, length, dim]), parameters, `${name}.attn.proj`);
}
