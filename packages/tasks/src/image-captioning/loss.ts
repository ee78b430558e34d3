import { ops } from '@imglish/core';
import type { LossTerm } from '@imglish/train';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

export interface CaptioningTargets {
  /** The word at each slot `[M]` int32. */
  labels: Tensor1D;
  /** 1 at a real slot, 0 at an empty one `[M]`. */
  weights: Tensor1D;
  /** How many slots count: the real ones, or with `places` the ones among those. */
  count: number;
  /** ε; 0.1 in the recipe. */
  labelSmoothing?: number;
  /**
   * Where the slots of the largest loss are left out: `count` ones, then zeros `[M]`, a place for each
   * slot by the rank of its loss.
   */
  places?: Tensor1D | undefined;
}

/** Of `count` slots the int(n (1 − r)) that stay when the share r with the largest loss is left out. */
export function keptCount(count: number, dropWorst: number): number {
  return Math.trunc(count * (1 - dropWorst));
}

/**
 * Σ over the slots of KL(t ‖ softmax(z)), t = 1 − ε on the word and ε / (V − 1) elsewhere; with
 * `places` only the smallest count (utils.py:765-789). Not timm's smoothing.
 */
export function loss({ logits }: { logits: Tensor2D }, targets: CaptioningTargets): LossTerm {
  const { labels, weights, count, labelSmoothing: eps = 0.1, places } = targets;
  const classes = logits.shape[1];
  const elsewhere = eps / (classes - 1);
  const smoothing = { onTarget: 1 - eps - elsewhere, everywhere: elsewhere };
  const crossEntropy = ops.crossEntropy(logits, labels, weights, smoothing); // [M]
  const negativeEntropy = xLogX(1 - eps) + (classes - 1) * xLogX(elsewhere);
  const divergence = ops.add(crossEntropy, ops.mul(weights, negativeEntropy)) as Tensor1D;
  const sum = places ? ops.sumOfSmallest(divergence, weights, places) : ops.sum(divergence);
  return { sum: sum as Scalar, count };
}

function xLogX(x: number): number {
  return x === 0 ? 0 : x * Math.log(x);
}
