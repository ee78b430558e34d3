import { type ModelConfig, namedLinear, ops, type Parameters } from '@imglish/core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { DecodingOptions } from './decoder.js';

/**
 * What may stand at `<mask>`, the second of the two tokens fed: text `[B, 2, D]` → log p `[B, K]`, and
 * unless these are all words, their ids `[B, K]`.
 */
export function candidatesAt(
  text: Tensor3D,
  parameters: Parameters,
  { dim }: ModelConfig,
  candidates: DecodingOptions['candidates'],
): { logProbs: Tensor; ids?: Tensor } {
  const masked = ops.reshape(ops.slice(text, [0, 1, 0], [-1, 1, -1]), [-1, dim]) as Tensor2D;
  const logits = namedLinear(masked, parameters, 'mlm_head');
  return candidates === 'all'
    ? { logProbs: ops.logProbs(logits) }
    : ops.topLogProbs(logits, candidates);
}
