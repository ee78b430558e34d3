import { ConfigError, rejectUnknownKeys } from '@imglish/core';
import { HALF_NORMALIZATION, type Normalization } from './pixels.js';
import type { Resample } from './resize.js';

/** How images become a model's input: the content of `preprocessor_config.json`. */
export interface PreprocessorConfig {
  /** Side S in pixels, or [height, width] with the mode `stretch`. */
  size: number | readonly [height: number, width: number];
  /** Default `stretch`: both sides to `size`. `center-crop`: the shorter side, then the middle. */
  mode?: 'stretch' | 'center-crop';
  /** Default `bicubic`. */
  resample?: Resample;
  /** Per channel, of values 0 … 1; default 0.5. */
  mean?: Normalization['mean'];
  /** Per channel, of values 0 … 1; default 0.5. */
  std?: Normalization['std'];
  /** `center-crop`: the part of the shorter side that is kept, above 0 up to 1; default 1. */
  cropPct?: number;
}

const WHERE = 'parsePreprocessorConfig';
const KEYS = ['size', 'mode', 'resample', 'mean', 'std', 'cropPct'];

/** What every task but ImageNet uses: stretched to S × S, bicubic, mean = std = 0.5. */
export function defaultPreprocessor(
  size: PreprocessorConfig['size'],
): Required<PreprocessorConfig> {
  return parsePreprocessorConfig({ size });
}

/** ImageNet classification: shorter side to S, the middle S × S, ImageNet's mean and deviation. */
export function imagenetPreprocessor(size: number): Required<PreprocessorConfig> {
  return parsePreprocessorConfig({
    size,
    mode: 'center-crop',
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  });
}

/**
 * Checks a configuration read from JSON and fills in the defaults. Errors: `ConfigError`
 * `config/unknown-key`, `config/invalid-value`.
 */
export function parsePreprocessorConfig(json: unknown): Required<PreprocessorConfig> {
  rejectUnknownKeys(WHERE, json as object, KEYS);
  const {
    size,
    mode = 'stretch',
    resample = 'bicubic',
    mean = HALF_NORMALIZATION.mean,
    std = HALF_NORMALIZATION.std,
    cropPct = 1,
  } = json as { [K in keyof PreprocessorConfig]: unknown };
  if (mode !== 'stretch' && mode !== 'center-crop') {
    return invalid('mode to be stretch or center-crop', show(mode));
  }
  if (resample !== 'bicubic' && resample !== 'bilinear' && resample !== 'nearest') {
    return invalid('resample to be bicubic, bilinear or nearest', show(resample));
  }
  const sides = Array.isArray(size) ? size : [size];
  if (sides.length > 2 || !sides.every((side) => Number.isSafeInteger(side) && side > 0)) {
    return invalid('size to be a positive integer or two of them', show(size));
  }
  if (mode === 'center-crop' && Array.isArray(size)) {
    return invalid('size to be one number with center-crop', show(size));
  }
  if (!isTriple(mean)) return invalid('mean to be three numbers', show(mean));
  if (!isTriple(std) || std.includes(0)) {
    return invalid('std to be three numbers that are not 0', show(std));
  }
  if (typeof cropPct !== 'number' || !(cropPct > 0 && cropPct <= 1)) {
    return invalid('cropPct to be above 0, at most 1', show(cropPct));
  }
  if (mode === 'stretch' && cropPct !== 1) {
    return invalid('cropPct only with center-crop', show(cropPct));
  }
  return {
    size: sides.length === 2 ? [sides[0], sides[1]] : sides[0],
    mode,
    resample,
    mean: [...mean],
    std: [...std],
    cropPct,
  };
}

function isTriple(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every((n) => Number.isFinite(n));
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function invalid(expected: string, got: string): never {
  throw new ConfigError({
    code: 'config/invalid-value',
    where: WHERE,
    expected,
    got,
  });
}
