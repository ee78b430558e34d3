import { ops } from '@imglish/core';
import type { LossTerm } from '@imglish/train';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/** Whether each statement holds `[B]` int32. */
export interface StatementLabels {
  labels: Tensor1D;
}

/** Σ over the batch of the cross entropy. */
export function loss({ logits }: { logits: Tensor2D }, { labels }: StatementLabels): LossTerm {
  const [count] = logits.shape;
  return {
    sum: ops.maskedCrossEntropy(logits, labels, ops.cast(ops.onesLike(labels), 'float32')),
    count,
  };
}
