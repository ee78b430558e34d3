import type { ModelConfig } from '@imglish/core';
import { type FineTuningRecipe, OFFICIAL_DEFAULTS } from '../fine-tuning/recipe.js';

export interface CaptioningRecipe extends FineTuningRecipe {
  /** Ids of a caption, `<s>` and `</s>` included. */
  maxTextLength: number;
  /** Share of a caption's words that is masked. */
  maskRatio: number;
  /** ε of the targets. */
  labelSmoothing: number;
  /** Share of the masked words with the largest loss that is left out, ... */
  dropWorst: number;
  /** ... from this update on. */
  dropWorstAfter: number;
}

/** COCO captions (get_started_for_captioning.md); fine-tuned there at 480 × 480. */
export function captioningRecipe({ imageSize, layers }: ModelConfig): CaptioningRecipe {
  return {
    ...OFFICIAL_DEFAULTS,
    imageSize,
    epochs: 10,
    warmupEpochs: 1,
    visits: 5,
    batch: 256,
    lr: layers > 12 ? 8e-6 : 4e-5,
    maxTextLength: 32,
    maskRatio: 0.7,
    labelSmoothing: 0.1,
    dropWorst: 0.2,
    dropWorstAfter: 12_000,
  };
}
