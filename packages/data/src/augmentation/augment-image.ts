import { ConfigError, draw, type RgbImage, rejectUnknownKeys } from '@imglish/core';
import {
  HALF_NORMALIZATION,
  imagenetPreprocessor,
  type Normalization,
  type Pixels,
  toPixels,
} from '@imglish/tokenizers';
import { type ColorJitter, colorJitter } from './color-jitter.js';
import { type CropOptions, flipHorizontally, randomResizedCrop } from './geometry.js';
import {
  imagenetPolicy,
  type RandAugmentPolicy,
  randAugment,
  visionLanguagePolicy,
} from './rand-augment.js';
import { eraseRandomly } from './random-erasing.js';

/** What is done to a picture before it is trained on, in this order. */
export interface Augmentation {
  /** Side of the result, or height and width. */
  readonly size: number | readonly [height: number, width: number];
  readonly crop?: CropOptions;
  /** Probability of exchanging left and right; default 0.5. */
  readonly flip?: number;
  readonly colorJitter?: ColorJitter;
  readonly randAugment?: RandAugmentPolicy;
  /** Default: mean and deviation 0.5. */
  readonly normalization?: Normalization;
  /** Probability of erasing a rectangle; default 0. */
  readonly erasing?: number;
}

/** Where a picture is in a run; equal coordinates give equal pixels, whoever asks. */
export interface AugmentationKey {
  readonly seed: number;
  readonly epoch: number;
  /** Of the example in the data set. */
  readonly index: number;
  /** Tells apart several pictures of one example; default 0. */
  readonly picture?: number;
}

/** Fine-tuning on ImageNet as BEiT-3 does: area from 0.08, timm's RandAugment, erasing in one of four. */
export function imagenetAugmentation(size: number): Augmentation {
  const { mean, std } = imagenetPreprocessor(size);
  return {
    size,
    crop: { scale: [0.08, 1] },
    randAugment: imagenetPolicy,
    normalization: { mean, std },
    erasing: 0.25,
  };
}

/** Every other task of BEiT-3: area from 0.5; RandAugment for questions and captions. */
export function visionLanguageAugmentation(
  size: Augmentation['size'],
  { randAugment }: { readonly randAugment: boolean },
): Augmentation {
  return {
    size,
    crop: { scale: [0.5, 1] },
    ...(randAugment && { randAugment: visionLanguagePolicy }),
  };
}

/** Pretraining in the paper: random resized crop, flip and colour jitter. */
export function pretrainingAugmentation(size: Augmentation['size']): Augmentation {
  return {
    size,
    crop: { scale: [0.5, 1] },
    colorJitter: { brightness: 0.4, contrast: 0.4, saturation: 0.4 },
  };
}

/**
 * Random resized crop, flip, colour jitter, RandAugment, normalisation and random erasing: an image to
 * pixels `[3, H, W]`. Every draw comes from the key, so that any number of workers gives the same.
 *
 * Errors: `ConfigError` `config/unknown-key`, `config/option`; `ImageError` `image/invalid`.
 */
export function augmentImage(
  image: RgbImage,
  augmentation: Augmentation,
  key: AugmentationKey,
): Pixels {
  check(augmentation);
  const { size, flip = 0.5, erasing = 0, normalization = HALF_NORMALIZATION } = augmentation;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  // A stream for each step: leaving one out changes nothing in the others.
  const stream = (purpose: string) =>
    draw(key.seed, `data/augment/${purpose}/${key.picture ?? 0}`, key.epoch, key.index);
  let result = randomResizedCrop(image, width, height, stream('crop'), augmentation.crop);
  if (stream('flip').uniform() < flip) result = flipHorizontally(result);
  if (augmentation.colorJitter) {
    result = colorJitter(result, augmentation.colorJitter, stream('color'));
  }
  if (augmentation.randAugment) {
    result = randAugment(result, augmentation.randAugment, stream('rand-augment'));
  }
  const pixels = toPixels(result, normalization);
  return erasing > 0 ? eraseRandomly(pixels, erasing, stream('erasing')) : pixels;
}

function check(augmentation: Augmentation): void {
  const where = 'augmentImage';
  rejectUnknownKeys(where, augmentation, [
    'size',
    'crop',
    'flip',
    'colorJitter',
    'randAugment',
    'normalization',
    'erasing',
  ]);
  const { crop = {}, flip = 0, erasing = 0, colorJitter: jitter = {} } = augmentation;
  rejectUnknownKeys(where, crop, ['scale', 'ratio']);
  rejectUnknownKeys(where, jitter, ['brightness', 'contrast', 'saturation']);
  const { scale = [1, 1], ratio = [1, 1] } = crop;
  const isRange = ([least, most]: readonly [number, number]): boolean => least > 0 && least <= most;
  const refuse = (expected: string, got: unknown): never => {
    throw new ConfigError({ code: 'config/option', where, expected, got: JSON.stringify(got) });
  };
  if (!isRange(scale) || scale[1] > 1)
    refuse('crop.scale to be above 0, at most 1, ascending', scale);
  if (!isRange(ratio)) refuse('crop.ratio to be above 0, ascending', ratio);
  if (!(flip >= 0 && flip <= 1)) refuse('flip to be a probability', flip);
  if (!(erasing >= 0 && erasing <= 1)) refuse('erasing to be a probability', erasing);
  const amounts = Object.values(jitter) as number[];
  if (!amounts.every((amount) => amount >= 0)) refuse('colorJitter to be at least 0', jitter);
}
