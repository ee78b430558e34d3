import type { ModelConfig } from '@imglish/core';
import { type FineTuningRecipe, OFFICIAL_DEFAULTS } from '../fine-tuning/recipe.js';

export interface TextClassificationRecipe extends FineTuningRecipe {
  /** Ids of a text, `<s>` and `</s>` included. */
  maxTextLength: number;
  /** ε of the targets. */
  labelSmoothing: number;
}

/** This project's, with the learning rates of the other tasks on `<s>`; nothing was released. */
export function textClassificationRecipe({
  imageSize,
  layers,
}: ModelConfig): TextClassificationRecipe {
  return {
    ...OFFICIAL_DEFAULTS,
    imageSize,
    epochs: 10,
    warmupEpochs: 1,
    batch: 64,
    lr: layers > 12 ? 2e-5 : 3e-5,
    weightDecay: 0.01,
    augmentation: 'none',
    maxTextLength: 128,
    labelSmoothing: 0,
  };
}
