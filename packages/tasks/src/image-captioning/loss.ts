import { ops } from '@imglish/core';
import type { LossTerm } from '@imglish/train';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

export interface CaptioningTargets {
  /** The word at each slot `[M]` int32. */
  labels: Tensor1D;
  /** 1 at a real slot, 0 at an empty one `[M]`. */
  weights: Tensor1D;
  /** How many real slots there are. */
  count: number;
  /** ε; 0.1 in the recipe. */
  labelSmoothing?: number;
  /** Share of the slots with the largest loss that is left out; the recipe's 0.2 begins late. */
  dropWorst?: number;
}

/**
 * Σ over the slots of KL(t ‖ softmax(z)), t = 1 − ε on the word and ε / (V − 1) elsewhere; with
 * `dropWorst` r only the int(n (1 − r)) smallest count (utils.py:765-789). Not timm's smoothing.
 */
export function loss({ logits }: { logits: Tensor2D }, targets: CaptioningTargets): LossTerm {
  const { labels, weights, count, labelSmoothing: eps = 0.1, dropWorst = 0 } = targets;
  const classes = logits.shape[1];
  const elsewhere = eps / (classes - 1);
  const smoothing = { onTarget: 1 - eps - elsewhere, everywhere: elsewhere };
  const crossEntropy = ops.crossEntropy(logits, labels, weights, smoothing); // [M]
  const negativeEntropy = xLogX(1 - eps) + (classes - 1) * xLogX(elsewhere);
  const divergence = ops.add(crossEntropy, ops.mul(weights, negativeEntropy)) as Tensor1D;
  if (dropWorst === 0) return { sum: ops.sum(divergence), count };
  const kept = Math.trunc(count * (1 - dropWorst));
  return { sum: ops.sumOfSmallest(divergence, weights, kept), count: kept };
}

function xLogX(x: number): number {
  return x === 0 ? 0 : x * Math.log(x);
}
