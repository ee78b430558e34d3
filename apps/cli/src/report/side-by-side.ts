import type { RgbImage } from '@imglish/core';

const GAP = 4;

/** Images of one height next to each other, with a white gap between. */
export function sideBySide(images: readonly RgbImage[]): RgbImage {
  const height = Math.max(...images.map((image) => image.height));
  const width = images.reduce((sum, image) => sum + image.width, GAP * (images.length - 1));
  const data = new Uint8Array(3 * width * height).fill(255);
  let left = 0;
  for (const image of images) {
    for (let y = 0; y < image.height; y++) {
      const row = image.data.subarray(3 * y * image.width, 3 * (y + 1) * image.width);
      data.set(row, 3 * (y * width + left));
    }
    left += image.width + GAP;
  }
  return { width, height, data };
}
