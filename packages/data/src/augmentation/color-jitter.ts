import type { RandomStream, RgbImage } from '@imglish/core';
import { brightness, contrast, saturation } from './enhance.js';
import { between } from './geometry.js';

/** By how much each may change: a factor uniform in max(0, 1 − x) … 1 + x. */
export interface ColorJitter {
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
}

/** Brightness, contrast and saturation changed at random, in random order: torchvision's `ColorJitter`. */
export function colorJitter(image: RgbImage, by: ColorJitter, random: RandomStream): RgbImage {
  const changes = [
    [brightness, by.brightness ?? 0],
    [contrast, by.contrast ?? 0],
    [saturation, by.saturation ?? 0],
  ] as const;
  let result = image;
  for (const i of random.permutation(changes.length)) {
    const [apply, amount] = changes[i]!;
    if (amount === 0) continue;
    result = apply(result, between(random, [Math.max(0, 1 - amount), 1 + amount]));
  }
  return result;
}
