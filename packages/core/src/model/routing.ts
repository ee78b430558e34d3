import { ConfigError } from '../errors/errors.js';
import type { ModelConfig, Way } from './config.js';

/** A stretch of the sequence served by one way. Contiguous, static, passed in. */
export interface Segment {
  way: Way;
  length: number;
}

/** `fused`: several ways see each other in this pass; `single`: one alone. */
export type Mode = 'single' | 'fused';

/** The parts of a layer that may have experts. */
export type Part = 'attention' | 'attentionNorm' | 'ffn' | 'ffnNorm' | 'outputNorm';

export const VISION: Way = 'A';
export const LANGUAGE: Way = 'B';
export const FUSION: Way = 'VL';

/** All ways whose tokens a model takes: vision, language, then the further ones. */
export function inputWays(config: ModelConfig): Way[] {
  return [VISION, LANGUAGE, ...config.furtherWays.map(({ way }) => way)];
}

export function modeOf(segments: readonly Segment[]): Mode {
  return new Set(segments.map(({ way }) => way)).size > 1 ? 'fused' : 'single';
}

/**
 * The routing table, (layer, part, way, mode) → expert; `undefined` means shared (no suffix).
 *
 * As released every part has an expert per way. As in the paper attention is shared, norms are per
 * way, and from layer `layers − fusionLayers` on a fused pass uses the VL feed-forward expert for all.
 */
export function expertFor(
  config: ModelConfig,
  layer: number,
  part: Part,
  way: Way,
  mode: Mode,
): Way | undefined {
  if (!inputWays(config).includes(way)) {
    throw new ConfigError({
      code: 'config/unknown-way',
      where: 'expertFor',
      expected: `one of the ways ${inputWays(config).join(', ')}`,
      got: `"${way}"`,
      fix: 'Add it to `furtherWays`.',
    });
  }
  if (config.variant === 'released') return way;
  if (part === 'attention') return undefined;
  const fusing = mode === 'fused' && layer >= config.layers - config.fusionLayers;
  return part === 'ffn' && fusing ? FUSION : way;
}

/** Every expert of a part in a layer, over all ways and modes, in their order of first use. */
export function expertsOf(config: ModelConfig, layer: number, part: Part): (Way | undefined)[] {
  const experts = new Set<Way | undefined>();
  for (const mode of ['single', 'fused'] as const) {
    for (const way of inputWays(config)) experts.add(expertFor(config, layer, part, way, mode));
  }
  return [...experts];
}
