import type { RandomStream, RgbImage } from '@imglish/core';
import { type Affine, type Fill, rotation, transformBicubic, transformBilinear } from './affine.js';
import { brightness, contrast, saturation, sharpness } from './enhance.js';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './tone.js';

/** One operation at a level 0 … 10; what is random in it comes from `random`. */
export type AugmentOperation = (image: RgbImage, level: number, random: RandomStream) => RgbImage;

/** Which operations, how many of them for a picture, how strong. */
export interface RandAugmentPolicy {
  readonly name: string;
  readonly operations: Readonly<Record<string, AugmentOperation>>;
  /** Operations drawn for a picture, with replacement. */
  readonly count: number;
  /** With which probability a drawn operation is applied. */
  readonly probability: number;
  readonly level: number;
  /** Standard deviation of the level, which stays within 0 … 10. */
  readonly levelDeviation: number;
}

const MOST = 10;
const GRAY: Fill = [128, 128, 128];
/** ImageNet's mean colour. */
const MEAN: Fill = [124, 116, 104];

const signed = (value: number, random: RandomStream): number =>
  random.uniform() < 0.5 ? -value : value;

/** Factors 0.1 … 1.9, growing with the level. */
const enhanced =
  (apply: (image: RgbImage, factor: number) => RgbImage): AugmentOperation =>
  (image, level) =>
    apply(image, (level / MOST) * 1.8 + 0.1);

/** Factors 1 ± 0.9, farther from 1 with the level. */
const enhancedEither =
  (apply: (image: RgbImage, factor: number) => RgbImage): AugmentOperation =>
  (image, level, random) =>
    apply(image, 1 + signed((level / MOST) * 0.9, random));

const moved =
  (
    transform: (image: RgbImage, matrix: Affine, fill: Fill) => RgbImage,
    fill: Fill,
    most: number | ((image: RgbImage) => number),
    matrix: (amount: number, image: RgbImage) => Affine,
  ): AugmentOperation =>
  (image, level, random) => {
    const greatest = typeof most === 'number' ? most : most(image);
    const amount = signed((level / MOST) * greatest, random);
    return transform(image, matrix(amount, image), fill);
  };

const shearX = (by: number): Affine => [1, by, 0, 0, 1, 0];
const shearY = (by: number): Affine => [1, 0, 0, by, 1, 0];
const moveX = (by: number): Affine => [1, 0, by, 0, 1, 0];
const moveY = (by: number): Affine => [1, 0, 0, 0, 1, by];
const turn = (degrees: number, image: RgbImage): Affine => rotation(image, degrees);

/**
 * What BEiT-3 fine-tunes tasks of vision and language with (`RandomAugment(2, 7)`, beit3/datasets.py
 * and randaug.py): two of these, each applied with probability 1/2, at level 7: shear up to 0.3,
 * translation up to 10 pixels, rotation up to 30°, gray where the picture does not reach. There is no
 * operation on colour, for words may speak of it.
 *
 * Two slips of the reference are not followed: its sharpness wraps around where it leaves 0 … 255, and
 * its autocontrast, negating a byte, whitens most pictures; both mean what Pillow does.
 */
export const visionLanguagePolicy: RandAugmentPolicy = {
  name: 'vision-language',
  count: 2,
  probability: 0.5,
  level: 7,
  levelDeviation: 0,
  operations: {
    identity: (image) => image,
    autoContrast,
    equalize,
    brightness: enhanced(brightness),
    sharpness: enhanced(sharpness),
    shearX: moved(transformBilinear, GRAY, 0.3, shearX),
    shearY: moved(transformBilinear, GRAY, 0.3, shearY),
    translateX: moved(transformBilinear, GRAY, 10, moveX),
    translateY: moved(transformBilinear, GRAY, 10, moveY),
    rotate: moved(transformBilinear, GRAY, 30, turn),
  },
};

/**
 * What BEiT-3 fine-tunes ImageNet with: timm's `rand-m9-mstd0.5-inc1`, two of fifteen operations at
 * levels about 9, each applied with probability 1/2; geometry is bicubic, filled with ImageNet's mean.
 */
export const imagenetPolicy: RandAugmentPolicy = {
  name: 'imagenet',
  count: 2,
  probability: 0.5,
  level: 9,
  levelDeviation: 0.5,
  operations: {
    autoContrast,
    equalize,
    invert,
    rotate: moved(transformBicubic, MEAN, 30, turn),
    posterize: (image, level) => posterize(image, 4 - Math.trunc((level / MOST) * 4)),
    solarize: (image, level) => solarize(image, 256 - Math.trunc((level / MOST) * 256)),
    solarizeAdd: (image, level) => solarizeAdd(image, Math.trunc((level / MOST) * 110)),
    color: enhancedEither(saturation),
    contrast: enhancedEither(contrast),
    brightness: enhancedEither(brightness),
    sharpness: enhancedEither(sharpness),
    shearX: moved(transformBicubic, MEAN, 0.3, shearX),
    shearY: moved(transformBicubic, MEAN, 0.3, shearY),
    translateX: moved(transformBicubic, MEAN, ({ width }) => 0.45 * width, moveX),
    translateY: moved(transformBicubic, MEAN, ({ height }) => 0.45 * height, moveY),
  },
};

/** RandAugment (Cubuk et al. 2020): `count` operations drawn with replacement, one after another. */
export function randAugment(
  image: RgbImage,
  policy: RandAugmentPolicy,
  random: RandomStream,
): RgbImage {
  const operations = Object.values(policy.operations);
  let result = image;
  for (let i = 0; i < policy.count; i++) {
    const operation = operations[random.integer(operations.length)]!;
    if (random.uniform() >= policy.probability) continue;
    const level = policy.level + policy.levelDeviation * random.normal();
    result = operation(result, Math.min(MOST, Math.max(0, level)), random);
  }
  return result;
}
