import { ConfigError, nearestName, rejectUnknownKeys } from '@imglish/core';

/** How a VQ-KD tokenizer is built. Plain JSON. */
export interface VqKdConfig {
  /** Side of the square images, pixels. */
  imageSize: number;
  /** Pixels. */
  patchSize: number;
  /** Width of encoder and decoder, D. */
  dim: number;
  heads: number;
  encoderLayers: number;
  decoderLayers: number;
  /** Size of the codebook, K. */
  codes: number;
  /** Size of a code, C. */
  codeDim: number;
  /** Size of the teacher's features, T. */
  teacherDim: number;
  /** Whether codes can be shown as pictures: two linear layers beside those that predict the teacher. */
  pixelDecoder: boolean;
}

const SIZES = [
  'imageSize',
  'patchSize',
  'dim',
  'heads',
  'encoderLayers',
  'decoderLayers',
  'codes',
  'codeDim',
  'teacherDim',
] as const;

/** Far beyond any tokenizer; a file that asks for more is damaged. */
const MAX_SIZE = 2 ** 20;

/**
 * A complete, checked configuration; `pixelDecoder` is false if not given.
 *
 * Throws `ConfigError`: `config/unknown-key`, `config/invalid-value`.
 */
export function vqKdConfig(
  input: Omit<VqKdConfig, 'pixelDecoder'> & Partial<VqKdConfig>,
): VqKdConfig {
  rejectUnknownKeys('vqKdConfig', input, [...SIZES, 'pixelDecoder']);
  const config: VqKdConfig = { pixelDecoder: false, ...input };
  for (const key of SIZES) {
    const value = config[key];
    const valid = Number.isSafeInteger(value) && value >= 1 && value <= MAX_SIZE;
    must(valid, `${key} to be an integer from 1 to ${MAX_SIZE}`, value);
  }
  const { imageSize, patchSize, dim, heads, pixelDecoder } = config;
  must(imageSize % patchSize === 0, `imageSize to be a multiple of ${patchSize}`, imageSize);
  must(dim % heads === 0, `heads to be a divisor of dim (${dim})`, heads);
  must(typeof pixelDecoder === 'boolean', 'pixelDecoder to be a boolean', pixelDecoder);
  return config;
}

const BASE: VqKdConfig = {
  imageSize: 224,
  patchSize: 16,
  dim: 768,
  heads: 12,
  encoderLayers: 12,
  decoderLayers: 3,
  codes: 8192,
  codeDim: 32,
  teacherDim: 512,
  pixelDecoder: false,
};

const TINY: VqKdConfig = {
  imageSize: 32,
  patchSize: 8,
  dim: 128,
  heads: 4,
  encoderLayers: 4,
  decoderLayers: 1,
  codes: 1024,
  codeDim: 16,
  teacherDim: 3 * 8 * 8 + 1,
  pixelDecoder: true,
};

const PRESETS: Readonly<Record<VqKdPresetName, VqKdConfig>> = {
  /** `vqkd_encoder_base_decoder_3x768x12_clip`, the tokenizer of BEiT v2 and BEiT-3. */
  'base-decoder3-clip': BASE,
  /** `vqkd_encoder_base_decoder_1x768x12_clip`. */
  'base-decoder1-clip': { ...BASE, decoderLayers: 1 },
  /** `vqkd_encoder_base_decoder_1x768x12_dino`. */
  'base-decoder1-dino': { ...BASE, decoderLayers: 1, teacherDim: 768 },
  /** To train on one machine: 4 × 4 codes of a picture of 32 pixels, the teacher being its pixels. */
  tiny: TINY,
  /** The same for 64 pixels: 8 × 8 codes. */
  small: { ...TINY, imageSize: 64 },
};

export type VqKdPresetName =
  | 'base-decoder3-clip'
  | 'base-decoder1-clip'
  | 'base-decoder1-dino'
  | 'tiny'
  | 'small';

export const VQ_KD_PRESETS: readonly VqKdPresetName[] = Object.keys(PRESETS) as VqKdPresetName[];

/** A known configuration by name; `config/unknown-preset` for others. */
export function vqKdPreset(name: VqKdPresetName): VqKdConfig {
  if (Object.hasOwn(PRESETS, name)) return { ...PRESETS[name] };
  throw new ConfigError({
    code: 'config/unknown-preset',
    where: 'vqKdPreset',
    expected: `one of ${VQ_KD_PRESETS.join(', ')}`,
    got: `${name} (nearest: ${nearestName(String(name), VQ_KD_PRESETS)})`,
  });
}

function must(valid: boolean, expected: string, got: unknown): void {
  if (valid) return;
  throw new ConfigError({
    code: 'config/invalid-value',
    where: 'vqKdConfig',
    expected,
    got: String(JSON.stringify(got)).slice(0, 80),
  });
}
