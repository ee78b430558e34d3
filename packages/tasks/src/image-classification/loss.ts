import { ops } from '@imglish/core';
import type { LossTerm } from '@imglish/train';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/** Either hard labels `[B]`, smoothed or not, or soft targets `[B, classes]` (mixup, cutmix). */
export type ClassificationTargets =
  | { labels: Tensor1D; labelSmoothing?: number }
  | { targets: Tensor2D };

/**
 * Σ over the batch of the cross entropy (engine_for_finetuning.py:77-84): with soft targets as they
 * are; with smoothing s as timm's, (1 − s) · nll + s · mean over classes; else plain.
 */
export function loss({ logits }: { logits: Tensor2D }, inputs: ClassificationTargets): LossTerm {
  const [count, classes] = logits.shape;
  if ('targets' in inputs) {
    return { sum: ops.sum(ops.softCrossEntropy(logits, inputs.targets)), count };
  }
  const s = inputs.labelSmoothing ?? 0;
  const smoothing = { onTarget: 1 - s, everywhere: s / classes };
  return {
    sum: ops.maskedCrossEntropy(
      logits,
      inputs.labels,
      ops.cast(ops.onesLike(inputs.labels), 'float32'),
      smoothing,
    ),
    count,
  };
}
