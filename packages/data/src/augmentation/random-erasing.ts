import type { RandomStream } from '@imglish/core';
import type { Pixels } from '@imglish/tokenizers';
import { between } from './geometry.js';

/** Shares of the area, and logarithms of height / width, that are erased. */
const AREA = [0.02, 1 / 3] as const;
const ASPECT = [Math.log(0.3), Math.log(1 / 0.3)] as const;
const ATTEMPTS = 10;

/**
 * With a probability, a rectangle of 2 to 33 % of the area filled with standard normal noise, pixel by
 * pixel and channel by channel: timm's `RandomErasing(mode='pixel')` on normalised pixels. Where ten
 * rectangles do not fit, none is erased.
 */
export function eraseRandomly(pixels: Pixels, probability: number, random: RandomStream): Pixels {
  if (random.uniform() >= probability) return pixels;
  const { width, height } = pixels;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = between(random, AREA) * width * height;
    const aspect = Math.exp(between(random, ASPECT));
    const h = Math.round(Math.sqrt(area * aspect));
    const w = Math.round(Math.sqrt(area / aspect));
    if (w >= width || h >= height) continue;
    const top = random.integer(height - h + 1);
    const left = random.integer(width - w + 1);
    const data = pixels.data.slice();
    for (let channel = 0; channel < 3; channel++) {
      for (let y = top; y < top + h; y++) {
        const from = (channel * height + y) * width + left;
        for (let at = from; at < from + w; at++) data[at] = random.normal();
      }
    }
    return { width, height, data };
  }
  return pixels;
}
