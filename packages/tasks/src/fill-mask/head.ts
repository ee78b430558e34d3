import {
  beit3,
  type EncoderOptions,
  linearSpecs,
  type ModelConfig,
  namedLinear,
  ops,
  type ParameterSpecs,
  type Parameters,
} from '@imglish/core';
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
export function headSpecs({ dim, vocabularySize }: ModelConfig): ParameterSpecs {
  return linearSpecs('mlm_head', dim, vocabularySize);
}

/** logits = mlm_head(x) at the slots `[M, V]`. */
export function forward(
  parameters: Parameters,
  config: ModelConfig,
  { slots, textIds, paddingMask }: FillMaskInputs,
  encoder?: EncoderOptions,
): { logits: Tensor2D } {
  const { sequence } = beit3(parameters, config, { textIds, paddingMask }, encoder);
  const words = ops.reshape(sequence, [-1, config.dim]) as Tensor2D; // [B T, D]
  return { logits: namedLinear(ops.gatherRows(words, slots), parameters, 'mlm_head') };
}

/** Σ over the slots of the cross entropy. */
export function loss(
  { logits }: { logits: Tensor2D },
  { labels, weights, count }: FillMaskInputs,
): LossTerm {
  return { sum: ops.maskedCrossEntropy(logits, labels, weights), count };
}
