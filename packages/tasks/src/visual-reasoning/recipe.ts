import type { ModelConfig } from '@imglish/core';
import { type FineTuningRecipe, OFFICIAL_DEFAULTS } from '../fine-tuning/recipe.js';

export interface ReasoningRecipe extends FineTuningRecipe {
  /** Ids of a statement, `<s>` and `</s>` included. */
  maxTextLength: number;
}

/** NLVR2 (get_started_for_nlvr2.md). */
export function reasoningRecipe({ imageSize, layers }: ModelConfig): ReasoningRecipe {
  const large = layers > 12;
  return {
    ...OFFICIAL_DEFAULTS,
    imageSize,
    batch: 256,
    lr: large ? 3e-4 : 7e-4,
    layerDecay: large ? 0.85 : 0.65,
    dropPath: 0.2,
    weightDecay: 0.2,
    maxTextLength: 64,
  };
}
