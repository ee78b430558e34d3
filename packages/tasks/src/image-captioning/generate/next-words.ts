import { type ModelConfig, namedLinear, ops, type Parameters } from '@imglish/core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { DecodingOptions } from './decoder.js';

/**
 * What may stand at `<mask>`, the second of the two tokens fed: text `[B, 2, D]` → log p `[B, K]`, and
 * unless these are all words, their ids `[B, K]`. Rows of the model that no word belongs to have no share.
 */
export function candidatesAt(
  text: Tensor3D,
  parameters: Parameters,
  { dim, vocabularySize }: ModelConfig,
  { candidates, words = vocabularySize }: Pick<DecodingOptions, 'candidates' | 'words'>,
): { logProbs: Tensor; ids?: Tensor } {
  const masked = ops.reshape(ops.slice(text, [0, 1, 0], [-1, 1, -1]), [-1, dim]) as Tensor2D;
  const all = namedLinear(masked, parameters, 'mlm_head') as Tensor2D;
  const logits = words < vocabularySize ? ops.slice(all, [0, 0], [-1, words]) : all;
  return candidates === 'all'
    ? { logProbs: ops.logProbs(logits) }
    : ops.topLogProbs(logits, candidates);
}
