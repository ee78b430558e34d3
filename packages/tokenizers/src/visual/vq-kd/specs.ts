import {
  type Initializer,
  normSpecs,
  type ParameterSpec,
  type ParameterSpecs,
} from '@imglish/core';
import type { VqKdConfig } from './config.js';

const ZEROS: Initializer = { kind: 'zeros' };
/** timm's `trunc_normal_`: cut at ±2, which is a hundred standard deviations. */
const NORMAL = { kind: 'truncatedNormal', std: 0.02, limit: 2 } satisfies Initializer;

/**
 * Every tensor of a tokenizer by its official name, in the official order, with the beginning that
 * the reference gives it (modeling_finetune.py, modeling_vqkd.py). The codebook begins at zero, and
 * `quantize.embedding.initted` with it: its start is k-means on the first batch.
 *
 * With `pixelDecoder` there are `pixel_layer.{0,2}` besides, which are not official.
 */
export function vqKdSpecs(config: VqKdConfig): ParameterSpecs {
  const { dim, codes, codeDim, teacherDim, patchSize: p, pixelDecoder } = config;
  const pixels = 3 * p * p;
  return {
    ...transformerSpecs('encoder', config, config.encoderLayers, [dim, 3, p, p]),
    ...transformerSpecs('decoder', config, config.decoderLayers, [dim, codeDim, 1, 1]),
    'quantize.cluster_size': { shape: [codes], init: ZEROS },
    'quantize.embedding.weight': { shape: [codes, codeDim], init: ZEROS },
    'quantize.embedding.cluster_size': { shape: [codes], init: ZEROS },
    'quantize.embedding.embed_avg': { shape: [codes, codeDim], init: ZEROS },
    'quantize.embedding.initted': { shape: [1], init: ZEROS },
    ...taskLayerSpecs('encode_task_layer', dim, codeDim),
    ...taskLayerSpecs('decode_task_layer', dim, teacherDim),
    ...(pixelDecoder ? taskLayerSpecs('pixel_layer', dim, pixels) : {}),
  };
}

/** Whether a tensor is learnt by gradients; those of the codebook are not. */
export function isLearntByGradient(name: string): boolean {
  return !name.startsWith('quantize.');
}

/** Names that have no weight decay, besides biases and everything one-dimensional. */
export const VQ_KD_NO_DECAY: readonly string[] = [
  'encoder.cls_token',
  'encoder.pos_embed',
  'decoder.cls_token',
  'decoder.pos_embed',
];

/**
 * Tensors that an official checkpoint may have besides: the teacher and what prepares its input.
 * For `ignores` of `loadCheckpoint`.
 */
export const VQ_KD_IGNORED: readonly string[] = ['loss*', 'teacher*', 'scaling*'];

function transformerSpecs(
  prefix: string,
  { dim, imageSize, patchSize }: VqKdConfig,
  layers: number,
  patchKernel: number[],
): Record<string, ParameterSpec> {
  const fanIn = patchKernel.slice(1).reduce((product, n) => product * n, 1);
  const uniform: Initializer = { kind: 'uniform', limit: 1 / Math.sqrt(fanIn) };
  const specs: Record<string, ParameterSpec> = {
    [`${prefix}.cls_token`]: { shape: [1, 1, dim], init: NORMAL },
    [`${prefix}.pos_embed`]: { shape: [1, (imageSize / patchSize) ** 2 + 1, dim], init: NORMAL },
    [`${prefix}.patch_embed.proj.weight`]: { shape: patchKernel, init: uniform },
    [`${prefix}.patch_embed.proj.bias`]: { shape: [dim], init: uniform },
  };
  for (let layer = 0; layer < layers; layer++) {
    const block = `${prefix}.blocks.${layer}`;
    // The last layer of each branch begins smaller the deeper it is (fix_init_weight).
    const rescaled: Initializer = { ...NORMAL, scale: 1 / Math.sqrt(2 * (layer + 1)) };
    const add = (name: string, shape: number[], init: Initializer) => {
      specs[`${block}.${name}`] = { shape, init };
    };
    Object.assign(specs, normSpecs(`${block}.norm1`, dim));
    add('attn.q_bias', [dim], ZEROS);
    add('attn.v_bias', [dim], ZEROS);
    add('attn.qkv.weight', [3 * dim, dim], NORMAL);
    add('attn.proj.weight', [dim, dim], rescaled);
    add('attn.proj.bias', [dim], ZEROS);
    Object.assign(specs, normSpecs(`${block}.norm2`, dim));
    add('mlp.fc1.weight', [4 * dim, dim], NORMAL);
    add('mlp.fc1.bias', [4 * dim], ZEROS);
    add('mlp.fc2.weight', [dim, 4 * dim], rescaled);
    add('mlp.fc2.bias', [dim], ZEROS);
  }
  return { ...specs, ...normSpecs(`${prefix}.fc_norm`, dim) };
}

/** Linear, an activation, linear. */
function taskLayerSpecs(prefix: string, dim: number, out: number): Record<string, ParameterSpec> {
  return {
    [`${prefix}.0.weight`]: { shape: [dim, dim], init: NORMAL },
    [`${prefix}.0.bias`]: { shape: [dim], init: ZEROS },
    [`${prefix}.2.weight`]: { shape: [out, dim], init: NORMAL },
    [`${prefix}.2.bias`]: { shape: [out], init: ZEROS },
  };
}
