import { type EncoderOptions, type ModelConfig, ops, type Parameters } from '@imglish/core';
import { maskedLogits } from '@imglish/pretrain';
import type { LossTerm } from '@imglish/train';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

export interface FillMaskInputs {
  /** Words with some replaced by `<mask>` `[B, T]` int32. */
  textIds: Tensor2D;
  /** 1 at padding `[B, T]`. */
  paddingMask?: Tensor2D;
  /** Which words are predicted: row-major indices into `[B, T]`, `[M]` int32. */
  slots: Tensor1D;
  /** The word at each slot `[M]` int32. */
  labels: Tensor1D;
  /** 1 at a real slot, 0 at an empty one `[M]`. */
  weights: Tensor1D;
  /** How many real slots there are. */
  count: number;
}

/** `mlm_head`, the one of masked data modelling. */
export { headSpecs } from '../image-captioning/head.js';

/** logits = mlm_head(x) at the slots `[M, V]`. */
export function forward(
  parameters: Parameters,
  config: ModelConfig,
  { slots, textIds, paddingMask }: FillMaskInputs,
  encoder: EncoderOptions = {},
): { logits: Tensor2D } {
  const inputs = { textIds, paddingMask };
  const { dropPath } = encoder;
  const stream = { inputs, words: { positions: slots }, dropPath };
  return { logits: maskedLogits(parameters, config, stream, encoder).words! };
}

/** Σ over the slots of the cross entropy. */
export function loss(
  { logits }: { logits: Tensor2D },
  { labels, weights, count }: FillMaskInputs,
): LossTerm {
  return { sum: ops.maskedCrossEntropy(logits, labels, weights), count };
}
