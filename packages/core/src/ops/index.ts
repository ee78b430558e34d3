export { after } from './after.js';
export { attention, attentionMap, HIDDEN } from './attention.js';
export * from './basic.js';
export { broadcastRow } from './broadcast-row.js';
export { differentiable } from './differentiable.js';
export { type FusedKernel, hasFused, runFused } from './dispatch.js';
export { gatherRows } from './gather-rows.js';
export { gelu } from './gelu.js';
export { l2Normalize } from './l2-normalize.js';
export { layerNorm } from './layer-norm.js';
export { linear } from './linear.js';
export { logProbs, topLogProbs } from './log-probs.js';
export {
  binaryCrossEntropy,
  crossEntropy,
  logSumExp,
  maskedCrossEntropy,
  type Smoothing,
  softCrossEntropy,
} from './losses.js';
export { sumOfSmallest } from './sum-of-smallest.js';
