import type { RgbImage } from '@imglish/core';
import { fail } from './image-error.js';

/** Refuses an image whose data do not have `[height, width, 3]` bytes: `image/invalid`. */
export function checkImage(where: string, image: RgbImage): void {
  const { width, height, data } = image;
  const valid = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!valid || data.length !== width * height * 3) {
    fail('invalid', {
      where,
      expected: 'a width and height from 1, and width × height × 3 bytes',
      got: `${width} × ${height} and ${data.length} bytes`,
    });
  }
}
