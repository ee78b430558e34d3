import { contrastiveLoss } from '@imglish/pretrain';
import type { LossTerm } from '@imglish/train';
import type { RetrievalOutputs } from './head.js';

export { similarities } from '@imglish/pretrain';

/** Contrastive loss of the batch, Σ over its pairs (utils.py:652-728). */
export function loss(outputs: RetrievalOutputs): LossTerm {
  return { sum: contrastiveLoss(outputs), count: outputs.image.shape[0] };
}
