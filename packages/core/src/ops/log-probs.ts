import { expandDims, sub, type Tensor2D, tidy, topk } from '@tensorflow/tfjs-core';
import { logSumExp } from './losses.js';
import { requireShapes } from './require-shapes.js';

/** log softmax(z) of each row: logits z `[M, V]` → `[M, V]`. To look at: without a gradient. */
export function logProbs(logits: Tensor2D): Tensor2D {
  requireShapes('logProbs', logits.rank === 2, 'logits [M, V]', { logits });
  return tidy(() => sub(logits, expandDims(logSumExp(logits), 1)) as Tensor2D);
}

/**
 * The `count` most probable classes of each row, the best first: logits z `[M, V]` →
 * their ids `[M, count]` int32 and log softmax(z) there `[M, count]`. Without a gradient.
 */
export function topLogProbs(
  logits: Tensor2D,
  count: number,
): { ids: Tensor2D; logProbs: Tensor2D } {
  const fits = logits.rank === 2 && count >= 1 && count <= logits.shape[1];
  requireShapes('topLogProbs', fits, `logits [M, V], V of at least ${count}`, { logits });
  return tidy(() => {
    const { values, indices } = topk(logits, count);
    return { ids: indices, logProbs: sub(values, expandDims(logSumExp(logits), 1)) as Tensor2D };
  });
}
