import type { ModelConfig } from '@imglish/core';
import { type FineTuningRecipe, OFFICIAL_DEFAULTS } from '../fine-tuning/recipe.js';

export interface AnsweringRecipe extends FineTuningRecipe {
  /** Ids of a question, `<s>` and `</s>` included. */
  maxTextLength: number;
}

/** VQAv2 (get_started_for_vqav2.md); fine-tuned there at 480 × 480. */
export function answeringRecipe({ imageSize, layers }: ModelConfig): AnsweringRecipe {
  const large = layers > 12;
  return {
    ...OFFICIAL_DEFAULTS,
    imageSize,
    epochs: 10,
    warmupEpochs: 1,
    batch: 128,
    lr: large ? 2e-5 : 3e-5,
    headLrMultiplier: 20,
    dropPath: large ? 0.15 : 0.1,
    weightDecay: 0.01,
    beta2: 0.98,
    maxTextLength: 64,
  };
}
