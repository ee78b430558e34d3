import { ImageError, type RgbImage } from '@imglish/core';

export interface ContactSheetOptions {
  /** Pictures in a row; by default as many as make the sheet about square. */
  readonly columns?: number;
  /** Pixels around and between pictures; 2 by default. */
  readonly gap?: number;
}

/** Grey between the pictures, darker than any background of them. */
const GREY = 128;

/**
 * Pictures side by side, row by row, for people to look at. Cells are as large as the largest
 * picture; a smaller one lies in the upper left corner of its cell.
 *
 * @throws ImageError `image/contact-sheet` without pictures or with a column count below 1.
 */
export function contactSheet(
  examples: readonly { readonly image: RgbImage }[],
  options: ContactSheetOptions = {},
): RgbImage {
  const columns = options.columns ?? Math.ceil(Math.sqrt(examples.length));
  const gap = options.gap ?? 2;
  const valid = Number.isInteger(columns) && columns >= 1 && Number.isInteger(gap) && gap >= 0;
  if (examples.length === 0 || !valid) {
    throw new ImageError({
      code: 'image/contact-sheet',
      where: 'contactSheet',
      expected: 'pictures, at least one column, and a gap of 0 or more pixels',
      got: `${examples.length} pictures, ${columns} columns, a gap of ${gap}`,
    });
  }
  const cellWidth = Math.max(...examples.map(({ image }) => image.width)) + gap;
  const cellHeight = Math.max(...examples.map(({ image }) => image.height)) + gap;
  const width = Math.min(columns, examples.length) * cellWidth + gap;
  const height = Math.ceil(examples.length / columns) * cellHeight + gap;
  const data = new Uint8Array(width * height * 3).fill(GREY);
  examples.forEach(({ image }, index) => {
    const left = (index % columns) * cellWidth + gap;
    const top = Math.floor(index / columns) * cellHeight + gap;
    for (let y = 0; y < image.height; y++) {
      const row = image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3);
      data.set(row, ((top + y) * width + left) * 3);
    }
  });
  return { width, height, data };
}
