import type { RgbImage } from '@imglish/core';
import { toByte } from './pixels-of.js';

/**
 * d + factor · (v − d) in float32, within 0 … 255 and cut: Pillow's `Image.blend` from a degenerate
 * picture (factor 0) to the picture itself (1) and beyond.
 */
function blend(image: RgbImage, factor: number, degenerate: (at: number) => number): RgbImage {
  const f = Math.fround(factor);
  // A clamped array would round; Pillow cuts the fraction off.
  const data = image.data.map((value, at) => {
    const from = degenerate(at);
    const mixed = Math.fround(from + Math.fround(f * (value - from)));
    return toByte(mixed);
  });
  return { ...image, data };
}

/** Brightness times `factor`: Pillow's `ImageEnhance.Brightness`. */
export function brightness(image: RgbImage, factor: number): RgbImage {
  return blend(image, factor, () => 0);
}

/** Differences to the mean brightness times `factor`: `ImageEnhance.Contrast`. */
export function contrast(image: RgbImage, factor: number): RgbImage {
  const gray = grayOf(image);
  const mean = Math.trunc(gray.reduce((sum, value) => sum + value, 0) / gray.length + 0.5);
  return blend(image, factor, () => mean);
}

/** Differences to gray times `factor`: `ImageEnhance.Color`. */
export function saturation(image: RgbImage, factor: number): RgbImage {
  const gray = grayOf(image);
  return blend(image, factor, (at) => gray[Math.floor(at / 3)]!);
}

/** Differences to a smoothed picture times `factor`, but in the outermost pixels: `ImageEnhance.Sharpness`. */
export function sharpness(image: RgbImage, factor: number): RgbImage {
  const smooth = smoothed(image);
  return blend(image, factor, (at) => smooth[at]!);
}

/** ITU-R 601 luma, as Pillow rounds it. */
function grayOf({ width, height, data }: RgbImage): Uint8Array {
  const gray = new Uint8Array(width * height);
  for (let i = 0; i < gray.length; i++) {
    const [r, g, b] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    gray[i] = (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
  }
  return gray;
}

/** The mean of a pixel (5 times) and its eight neighbours (once); outermost pixels as they are. */
function smoothed({ width, height, data }: RgbImage): Uint8Array {
  const out = data.slice();
  const row = 3 * width;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + 3; at < (y + 1) * row - 3; at++) {
      let sum = 4 * data[at]!;
      for (const from of [at - row, at, at + row]) {
        sum += data[from - 3]! + data[from]! + data[from + 3]!;
      }
      out[at] = Math.floor(sum / 13 + 0.5);
    }
  }
  return out;
}
