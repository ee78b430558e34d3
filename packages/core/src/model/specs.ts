import type { Initializer, ParameterSpec } from '../parameters/parameters.js';
import { type ModelConfig, patchGrid, type Way } from './config.js';
import { expertsOf, inputWays, LANGUAGE, VISION } from './routing.js';

/** Position ids start here; the rows before are never read (reference: embedding.py:106-110). */
export const FIRST_POSITION = 2;

/** A linear layer's start: N(0, 0.02²) cut at one standard deviation (modeling_utils.py:69-73). */
export const LINEAR_INIT: Initializer = { kind: 'truncatedNormal', std: 0.02, limit: 0.02 };
const ZEROS: Initializer = { kind: 'zeros' };
const ONES: Initializer = { kind: 'ones' };

/** `{prefix}.weight [out, in]` and, unless refused, `{prefix}.bias [out]`. */
export function linearSpecs(
  prefix: string,
  inner: number,
  out: number,
  options: { bias?: boolean; scale?: number } = {},
): Record<string, ParameterSpec> {
  const scaled: Initializer =
    options.scale === undefined
      ? LINEAR_INIT
      : { kind: 'truncatedNormal', std: 0.02, limit: 0.02, scale: options.scale };
  const weight = { [`${prefix}.weight`]: { shape: [out, inner], init: scaled } };
  if (options.bias === false) return weight;
  return { ...weight, [`${prefix}.bias`]: { shape: [out], init: ZEROS } };
}

/** `{prefix}.weight [D]` of ones and `{prefix}.bias [D]` of zeros. */
export function normSpecs(prefix: string, dim: number): Record<string, ParameterSpec> {
  return {
    [`${prefix}.weight`]: { shape: [dim], init: ONES },
    [`${prefix}.bias`]: { shape: [dim], init: ZEROS },
  };
}

/** Name of a module's expert: `prefix.A`, or `prefix` itself where it is shared. */
export function expertName(prefix: string, expert: Way | undefined): string {
  return expert === undefined ? prefix : `${prefix}.${expert}`;
}

/**
 * Every parameter of the backbone by its official name, in the official order, with the beginning
 * that the reference gives it (modeling_utils.py:47-76, PyTorch's defaults for the rest).
 */
export function backboneSpecs(config: ModelConfig): Record<string, ParameterSpec> {
  const specs: Record<string, ParameterSpec> = {};
  const { dim, patchSize } = config;
  const fanIn = 3 * patchSize * patchSize;
  const fromFanIn: Initializer = { kind: 'uniform', limit: 1 / Math.sqrt(fanIn) };
  const [rows, columns] = patchGrid(config);

  specs['beit3.text_embed.weight'] = {
    shape: [config.vocabularySize, dim],
    init: { kind: 'normal', std: dim ** -0.5 },
  };
  specs['beit3.vision_embed.mask_token'] = { shape: [1, 1, dim], init: ZEROS };
  specs['beit3.vision_embed.cls_token'] = { shape: [1, 1, dim], init: ZEROS };
  specs['beit3.vision_embed.proj.weight'] = {
    shape: [dim, 3, patchSize, patchSize],
    init: fromFanIn,
  };
  specs['beit3.vision_embed.proj.bias'] = { shape: [dim], init: fromFanIn };

  const positions: [Way, number][] = [
    [VISION, FIRST_POSITION + 1 + rows * columns],
    [LANGUAGE, config.maxTextPositions],
    ...config.furtherWays.map(({ way, positions }): [Way, number] => [way, positions]),
  ];
  for (const [way, length] of positions) {
    specs[`beit3.encoder.embed_positions.${way}.weight`] = {
      shape: [length, dim],
      init: { kind: 'normal', std: 1 },
    };
  }
  for (let layer = 0; layer < config.layers; layer++) {
    Object.assign(specs, layerSpecs(config, layer));
  }
  if (config.normalizeOutput) {
    for (const way of inputWays(config)) {
      Object.assign(specs, normSpecs(expertName('beit3.encoder.layer_norm', way), dim));
    }
  }
  return specs;
}

function layerSpecs(config: ModelConfig, layer: number): Record<string, ParameterSpec> {
  const { dim, ffnDim } = config;
  const prefix = `beit3.encoder.layers.${layer}`;
  const specs: Record<string, ParameterSpec> = {};
  const attention = expertsOf(config, layer, 'attention');
  for (const projection of ['k_proj', 'v_proj', 'q_proj', 'out_proj']) {
    for (const expert of attention) {
      const name = expertName(`${prefix}.self_attn.${projection}`, expert);
      Object.assign(specs, linearSpecs(name, dim, dim));
    }
  }
  for (const expert of attention) {
    Object.assign(specs, normSpecs(expertName(`${prefix}.self_attn.inner_attn_ln`, expert), dim));
  }
  for (const expert of expertsOf(config, layer, 'attentionNorm')) {
    Object.assign(specs, normSpecs(expertName(`${prefix}.self_attn_layer_norm`, expert), dim));
  }
  for (const expert of expertsOf(config, layer, 'ffn')) {
    const ffn = expertName(`${prefix}.ffn`, expert);
    Object.assign(specs, linearSpecs(`${ffn}.fc1`, dim, ffnDim));
    Object.assign(specs, linearSpecs(`${ffn}.fc2`, ffnDim, dim));
    Object.assign(specs, normSpecs(`${ffn}.ffn_layernorm`, ffnDim));
  }
  for (const expert of expertsOf(config, layer, 'ffnNorm')) {
    Object.assign(specs, normSpecs(expertName(`${prefix}.final_layer_norm`, expert), dim));
  }
  return specs;
}
