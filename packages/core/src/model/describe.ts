import type { ParameterSpecs } from '../parameters/parameters.js';
import { type ModelConfig, patchGrid, type Way } from './config.js';
import { expertFor, LANGUAGE, type Mode, VISION } from './routing.js';
import { backboneSpecs } from './specs.js';

/** Parameters per part of a model. */
export interface ParameterCounts {
  total: number;
  wordEmbedding: number;
  patchEmbedding: number;
  positions: number;
  /** Self-attention with its inner norm, by expert; `shared` where there is none. */
  attention: Record<string, number>;
  /** Feed-forward networks with their inner norm, by expert. */
  feedForward: Record<string, number>;
  norms: number;
}

/** Floating-point operations of one forward pass over one sample; a multiply-add is two. */
export interface PassFlops {
  tokens: number;
  total: number;
  patchEmbedding: number;
  projections: number;
  /** q kᵀ and the weighted sum of values. */
  attention: number;
  /** By expert. */
  feedForward: Record<string, number>;
}

export interface ModelDescription {
  config: ModelConfig;
  parameters: ParameterCounts;
  /** One sample each: an image, a text of `textLength` tokens, and the pair of both. */
  flops: { image: PassFlops; text: PassFlops; pair: PassFlops };
}

/** Counts parameters and FLOPs per part and modality; nothing is computed or allocated. */
export function describeModel(config: ModelConfig, textLength = 64): ModelDescription {
  const [rows, columns] = patchGrid(config);
  const image = { way: VISION, length: 1 + rows * columns };
  const text = { way: LANGUAGE, length: textLength };
  return {
    config,
    parameters: countParameters(backboneSpecs(config)),
    flops: {
      image: passFlops(config, [image]),
      text: passFlops(config, [text]),
      pair: passFlops(config, [image, text]),
    },
  };
}

/** Parameters by part, read off the official names. */
export function countParameters(specs: ParameterSpecs): ParameterCounts {
  const counts: ParameterCounts = {
    total: 0,
    wordEmbedding: 0,
    patchEmbedding: 0,
    positions: 0,
    attention: {},
    feedForward: {},
    norms: 0,
  };
  for (const [name, { shape }] of Object.entries(specs)) {
    const size = shape.reduce((product, n) => product * n, 1);
    counts.total += size;
    const parts = name.split('.');
    const module = parts.includes('layers') ? parts[parts.indexOf('layers') + 2] : parts[1];
    if (name.startsWith('beit3.text_embed.')) counts.wordEmbedding += size;
    else if (name.startsWith('beit3.vision_embed.')) counts.patchEmbedding += size;
    else if (parts.includes('embed_positions')) counts.positions += size;
    else if (module === 'self_attn') addTo(counts.attention, expertIn(parts.slice(5, -1)), size);
    else if (module === 'ffn') addTo(counts.feedForward, expertIn(parts.slice(5, -1)), size);
    else counts.norms += size;
  }
  return counts;
}

/** The expert among the pieces of a name behind its module: module names are lower case, with `_`. */
function expertIn(pieces: string[]): string {
  return (
    pieces.find(
      (piece) => !/^(?:[qkv]_proj|out_proj|inner_attn_ln|fc[12]|ffn_layernorm)$/.test(piece),
    ) ?? 'shared'
  );
}

function passFlops(config: ModelConfig, segments: { way: Way; length: number }[]): PassFlops {
  const { dim, ffnDim, layers, patchSize } = config;
  const mode: Mode = segments.length > 1 ? 'fused' : 'single';
  const tokens = segments.reduce((sum, { length }) => sum + length, 0);
  const patches = (segments.find(({ way }) => way === VISION)?.length ?? 1) - 1;
  const feedForward: Record<string, number> = {};
  for (let layer = 0; layer < layers; layer++) {
    for (const { way, length } of segments) {
      const expert = expertFor(config, layer, 'ffn', way, mode) ?? 'shared';
      addTo(feedForward, expert, 4 * length * dim * ffnDim);
    }
  }
  const patchEmbedding = 2 * patches * 3 * patchSize * patchSize * dim;
  const projections = layers * 8 * tokens * dim * dim;
  const attention = layers * 4 * tokens * tokens * dim;
  const ffn = Object.values(feedForward).reduce((sum, n) => sum + n, 0);
  return {
    tokens,
    total: patchEmbedding + projections + attention + ffn,
    patchEmbedding,
    projections,
    attention,
    feedForward,
  };
}

function addTo(record: Record<string, number>, key: string, amount: number): void {
  record[key] = (record[key] ?? 0) + amount;
}
