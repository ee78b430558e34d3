import type { RandomStream, RgbImage } from '@imglish/core';
import { crop, resize } from '@imglish/tokenizers';

export interface CropOptions {
  /** Least and largest share of the picture's area; default 0.08 and 1. */
  readonly scale?: readonly [least: number, most: number];
  /** Least and largest width / height; default 3/4 and 4/3. */
  readonly ratio?: readonly [least: number, most: number];
}

/** Rectangles that are tried before the middle is taken. */
const ATTEMPTS = 10;

/**
 * A random part of the picture, its area uniform in `scale` and the logarithm of its aspect ratio
 * uniform in `ratio`, resized to `width` × `height` (bicubic, antialiased): torchvision's and timm's
 * `RandomResizedCrop`. Where ten rectangles do not fit, the largest in the middle with a fitting ratio.
 */
export function randomResizedCrop(
  image: RgbImage,
  width: number,
  height: number,
  random: RandomStream,
  { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] }: CropOptions = {},
): RgbImage {
  const [left, top, w, h] = randomBox(image, random, scale, ratio);
  return resize(crop(image, left, top, w, h), width, height);
}

function randomBox(
  { width, height }: RgbImage,
  random: RandomStream,
  scale: readonly [number, number],
  ratio: readonly [number, number],
): [left: number, top: number, width: number, height: number] {
  const logarithms = [Math.log(ratio[0]), Math.log(ratio[1])] as const;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = between(random, scale) * width * height;
    const aspect = Math.exp(between(random, logarithms));
    const w = Math.round(Math.sqrt(area * aspect));
    const h = Math.round(Math.sqrt(area / aspect));
    if (w > 0 && h > 0 && w <= width && h <= height) {
      return [random.integer(width - w + 1), random.integer(height - h + 1), w, h];
    }
  }
  const own = width / height;
  const w = own > ratio[1] ? Math.round(height * ratio[1]) : width;
  const h = own < ratio[0] ? Math.round(width / ratio[0]) : height;
  return [
    Math.floor((width - w) / 2),
    Math.floor((height - h) / 2),
    Math.max(1, w),
    Math.max(1, h),
  ];
}

/** Left and right exchanged. */
export function flipHorizontally({ width, height, data }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * (y * width + x);
      const to = 3 * (y * width + width - 1 - x);
      out[to] = data[from]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + 2]!;
    }
  }
  return { width, height, data: out };
}

/** Uniform between two numbers. */
export function between(random: RandomStream, [least, most]: readonly [number, number]): number {
  return least + (most - least) * random.uniform();
}
