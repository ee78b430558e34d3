import type { RgbImage } from '@imglish/core';
import { fail } from './image-error.js';
import { checkImage } from './rgb-image.js';

/** A normalised image: float32, channel by channel, `[3, height, width]`. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** Mean and standard deviation per channel, in units of a channel's full scale (0 … 1). */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** mean = std = 0.5: bytes 0 … 255 become −1 … 1. What every task but ImageNet uses. */
export const HALF_NORMALIZATION: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/**
 * (v / 255 − mean) / std, `[height, width, 3]` bytes to `[3, height, width]` float32, rounded to
 * float32 after each of the three steps, as torchvision does.
 */
export function toPixels(
  image: RgbImage,
  { mean, std }: Normalization = HALF_NORMALIZATION,
): Pixels {
  checkImage('toPixels', image);
  const { width, height } = image;
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  const table = new Float32Array(256);
  for (let c = 0; c < 3; c++) {
    const m = Math.fround(mean[c]!);
    const s = Math.fround(std[c]!);
    for (let v = 0; v < 256; v++) table[v] = Math.fround(Math.fround(v / 255) - m) / s;
    for (let i = 0; i < plane; i++) data[c * plane + i] = table[image.data[3 * i + c]!]!;
  }
  return { width, height, data };
}

/** The image that `toPixels` made these pixels of; values in between are rounded and clamped. */
export function toImage(
  pixels: Pixels,
  { mean, std }: Normalization = HALF_NORMALIZATION,
): RgbImage {
  checkPixels('toImage', pixels);
  const { width, height } = pixels;
  const plane = width * height;
  const data = new Uint8ClampedArray(3 * plane);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane; i++) {
      data[3 * i + c] = (pixels.data[c * plane + i]! * std[c]! + mean[c]!) * 255;
    }
  }
  return { width, height, data: new Uint8Array(data.buffer) };
}

/** Refuses pixels whose data are not `[3, height, width]`: `image/invalid`. */
export function checkPixels(where: string, { height, width, data }: Pixels): void {
  const valid = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!valid || data.length !== 3 * height * width) {
    fail('invalid', {
      where,
      expected: 'pixels [3, height, width]',
      got: `height ${height}, width ${width} and ${data.length} numbers`,
    });
  }
}
