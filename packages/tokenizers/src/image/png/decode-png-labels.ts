import type { LabelMap } from '@imglish/core';
import type { DecodeImageOptions } from '../decode-options.js';
import { unsupported } from '../image-error.js';
import { readPng, readRows } from './decode-png.js';
import { sample } from './png-pixels.js';

/**
 * Decodes a PNG whose values are labels, not colours: the gray values or palette indices as they are
 * stored, of up to 8 bits. The palette itself does not matter.
 *
 * Errors: those of `decodePng`, and `image/unsupported` for colour, alpha or 16 bits.
 */
export function decodePngLabels(
  bytes: Uint8Array,
  options: Omit<DecodeImageOptions, 'background'> = {},
): LabelMap {
  const { header, parts } = readPng(bytes, options);
  const { width, height, depth, channels } = header;
  if (channels !== 1 || depth > 8) {
    unsupported(
      'decodePngLabels',
      'a gray or palette PNG of at most 8 bits',
      `${channels} channels of ${depth} bits`,
      'Save the labels as gray values.',
    );
  }
  const data = new Uint8Array(width * height);
  readRows(header, parts, (row, pass, y) => {
    let at = (pass.y0 + y * pass.dy) * width + pass.x0;
    for (let x = 0; x < pass.width; x++, at += pass.dx) data[at] = sample(row, depth, x);
  });
  return { width, height, data };
}
