import type { ModelConfig } from '@imglish/core';
import { type FineTuningRecipe, OFFICIAL_DEFAULTS } from '../fine-tuning/recipe.js';

export interface ClassificationRecipe extends FineTuningRecipe {
  /** ε of the targets. */
  labelSmoothing: number;
  /** α of mixup; 0 for none. */
  mixup: number;
  /** α of cutmix; 0 for none. */
  cutmix: number;
}

/** ImageNet (get_started_for_image_classification.md). */
export function classificationRecipe({ imageSize, layers }: ModelConfig): ClassificationRecipe {
  const large = layers > 12;
  return {
    ...OFFICIAL_DEFAULTS,
    imageSize,
    epochs: 50,
    batch: 1024,
    lr: large ? 2e-4 : 7e-4,
    layerDecay: large ? 0.8 : 0.65,
    dropPath: large ? 0.25 : 0.15,
    augmentation: 'imagenet',
    labelSmoothing: 0.1,
    mixup: 0.8,
    cutmix: 1,
  };
}
