import { ConfigError } from '../errors/errors.js';
import { type ModelConfig, modelConfig, nearestName } from './config.js';

export type PresetName = 'tiny' | 'small' | 'base' | 'large' | 'giant';

/**
 * tiny and small are this project's; base and large as released (modeling_utils.py `_get_base_config`,
 * `_get_large_config`); giant as in the paper (arXiv 2208.10442, table 2).
 */
const PRESETS: Record<PresetName, () => ModelConfig> = {
  tiny: () =>
    modelConfig({
      imageSize: [32, 32],
      patchSize: 8,
      vocabularySize: 2000,
      dim: 128,
      heads: 4,
      ffnDim: 512,
      layers: 4,
    }),
  small: () =>
    modelConfig({
      imageSize: [64, 64],
      patchSize: 8,
      vocabularySize: 4000,
      dim: 256,
      heads: 4,
      ffnDim: 1024,
      layers: 6,
      variant: 'paper',
      fusionLayers: 2,
    }),
  base: () =>
    modelConfig({
      imageSize: [224, 224],
      patchSize: 16,
      vocabularySize: 64010,
      dim: 768,
      heads: 12,
      ffnDim: 3072,
      layers: 12,
    }),
  large: () =>
    modelConfig({
      imageSize: [224, 224],
      patchSize: 16,
      vocabularySize: 64010,
      dim: 1024,
      heads: 16,
      ffnDim: 4096,
      layers: 24,
    }),
  giant: () =>
    modelConfig({
      imageSize: [224, 224],
      patchSize: 14,
      vocabularySize: 64010,
      dim: 1408,
      heads: 16,
      ffnDim: 6144,
      layers: 40,
      variant: 'paper',
      fusionLayers: 3,
    }),
};

export const PRESET_NAMES: readonly PresetName[] = Object.keys(PRESETS) as PresetName[];

/** The configuration of a preset, to be changed by spreading: `{ ...preset('base'), imageSize }`. */
export function preset(name: PresetName): ModelConfig {
  if (!Object.hasOwn(PRESETS, name)) {
    throw new ConfigError({
      code: 'config/unknown-preset',
      where: 'preset',
      expected: `one of ${PRESET_NAMES.join(', ')}`,
      got: `"${name}"`,
      fix: `Did you mean "${nearestName(String(name), PRESET_NAMES)}"?`,
    });
  }
  return PRESETS[name]();
}
