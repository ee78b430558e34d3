import type { RgbImage } from '@imglish/core';
import { fail } from './image-error.js';
import { checkImage } from './rgb-image.js';

/** The part of an image from column `left` and row `top` on: `image/invalid` unless it lies within. */
export function crop(
  image: RgbImage,
  left: number,
  top: number,
  width: number,
  height: number,
): RgbImage {
  checkImage('crop', image);
  const integers = [left, top, width, height].every((value) => Number.isInteger(value));
  const within =
    left >= 0 &&
    top >= 0 &&
    width > 0 &&
    height > 0 &&
    left + width <= image.width &&
    top + height <= image.height;
  if (!integers || !within) {
    fail('invalid', {
      where: 'crop',
      expected: `a box within ${image.width} × ${image.height}`,
      got: `${width} × ${height} at (${left}, ${top})`,
    });
  }
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * image.width + left);
    data.set(image.data.subarray(from, from + 3 * width), 3 * y * width);
  }
  return { width, height, data };
}

/** The middle of an image; half a pixel of offset goes to the even side, as torchvision does. */
export function centerCrop(image: RgbImage, width: number, height: number): RgbImage {
  const left = roundHalfToEven((image.width - width) / 2);
  const top = roundHalfToEven((image.height - height) / 2);
  return crop(image, left, top, width, height);
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
