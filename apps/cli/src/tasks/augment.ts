import {
  type Augmentation,
  augmentImage,
  imagenetAugmentation,
  visionLanguageAugmentation,
} from '@imglish/data';
import type { Augment, FineTuningRecipe, TaskReader } from '@imglish/tasks';

/** What a recipe's augmentation does to training images; none for `none`. */
export function augmentOf(
  { augmentation, imageSize }: FineTuningRecipe,
  { preprocessor }: TaskReader,
): Augment | undefined {
  if (augmentation === 'none') return undefined;
  const { mean, std } = preprocessor;
  const settings: Augmentation = {
    ...(augmentation === 'imagenet'
      ? imagenetAugmentation(imageSize[0])
      : visionLanguageAugmentation(imageSize, { randAugment: augmentation === 'randaugment' })),
    size: imageSize,
    normalization: { mean, std },
  };
  return (image, key) => augmentImage(image, settings, key);
}
