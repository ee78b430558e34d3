import type { RgbImage } from '@imglish/core';

/** A new image whose every value is `table` of the old one. */
export function lookUp(image: RgbImage, table: ArrayLike<number>): RgbImage {
  return { ...image, data: image.data.map((value) => table[value]!) };
}

/** A table for each channel. */
export function lookUpEach(image: RgbImage, tables: readonly ArrayLike<number>[]): RgbImage {
  return { ...image, data: image.data.map((value, i) => tables[i % 3]![value]!) };
}

/** How often each value occurs in each channel: `[3][256]`. */
export function histograms({ data }: RgbImage): Uint32Array[] {
  const counts = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)];
  for (let i = 0; i < data.length; i++) counts[i % 3]![data[i]!]!++;
  return counts;
}

/** Within 0 … 255, the fraction cut off. */
export function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}
