import type { ModelConfig } from '@imglish/core';
import { type FineTuningRecipe, OFFICIAL_DEFAULTS } from '../fine-tuning/recipe.js';

export interface RetrievalRecipe extends FineTuningRecipe {
  /** Ids of a text, `<s>` and `</s>` included. */
  maxTextLength: number;
}

/**
 * COCO (get_started_for_retrieval.md), from the contrastively tuned checkpoint at 384 × 384. The
 * official batch of 3072 is one contrastive batch; parts of it (`accumulate`) are each one of their
 * own.
 */
export function retrievalRecipe({ imageSize, layers }: ModelConfig): RetrievalRecipe {
  const large = layers > 12;
  return {
    ...OFFICIAL_DEFAULTS,
    imageSize,
    epochs: 15,
    warmupEpochs: 3,
    visits: 5,
    batch: 3072,
    lr: large ? 5e-5 : 2e-4,
    layerDecay: large ? 0.85 : 0.65,
    dropPath: 0.2,
    maxTextLength: 64,
  };
}
