import type { ModelConfig } from '@imglish/core';
import { PAPER_MASK_RATIOS } from '@imglish/pretrain';
import { type FineTuningRecipe, OFFICIAL_DEFAULTS } from '../fine-tuning/recipe.js';

export interface FillMaskRecipe extends FineTuningRecipe {
  /** Ids of a text, `<s>` and `</s>` included. */
  maxTextLength: number;
  /** Share of the words that is masked. */
  maskRatio: number;
}

/** Going on with texts of one's own; the ratio is that of pretraining, the rest this project's. */
export function fillMaskRecipe({ imageSize, layers }: ModelConfig): FillMaskRecipe {
  return {
    ...OFFICIAL_DEFAULTS,
    imageSize,
    epochs: 10,
    warmupEpochs: 1,
    batch: 64,
    lr: layers > 12 ? 2e-5 : 4e-5,
    beta2: 0.98,
    augmentation: 'none',
    maxTextLength: 128,
    maskRatio: PAPER_MASK_RATIOS.text,
  };
}
