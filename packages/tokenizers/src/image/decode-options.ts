import { ConfigError, rejectUnknownKeys } from '@imglish/core';
import { fail } from './image-error.js';

export interface DecodeImageOptions {
  /**
   * Most pixels (width × height) a picture may have; default 2²⁴, about 16.8 megapixels. Read from
   * the header, before memory is taken. Working memory stays below
   * max(64 MiB, 4 bytes × `maxPixels`) + 4 × file size; a picture that would need more is refused.
   */
  maxPixels?: number;
  /**
   * Colour (0 … 255) under transparent pixels. Default: none, alpha is dropped and the stored
   * colours stay as they are (as Pillow's `convert('RGB')` does).
   */
  background?: readonly [number, number, number];
}

/** The options with defaults filled in and the size of the file at hand. */
export interface DecodeLimits {
  readonly maxPixels: number;
  readonly maxBytes: number;
  readonly background: readonly [number, number, number] | undefined;
}

const KNOWN = ['maxPixels', 'background'];

export function resolveLimits(
  where: string,
  options: DecodeImageOptions,
  fileSize: number,
): DecodeLimits {
  rejectUnknownKeys(where, options, KNOWN);
  const { maxPixels = 2 ** 24, background } = options;
  if (!Number.isSafeInteger(maxPixels) || maxPixels < 1) {
    throw new ConfigError({
      code: 'config/invalid-value',
      where,
      expected: 'maxPixels to be a positive integer',
      got: String(maxPixels),
    });
  }
  if (background && !(background.length === 3 && background.every((c) => c >= 0 && c <= 255))) {
    throw new ConfigError({
      code: 'config/invalid-value',
      where,
      expected: 'background to be three numbers from 0 to 255',
      got: `[${background.join(', ')}]`,
    });
  }
  return { maxPixels, maxBytes: Math.max(2 ** 26, 4 * maxPixels) + 4 * fileSize, background };
}

/** Refuses a picture whose header asks for more than the limits allow: `image/too-large`. */
export function checkSize(
  where: string,
  limits: DecodeLimits,
  width: number,
  height: number,
  workingBytes: number,
): void {
  const fix = 'Shrink the picture, or raise maxPixels if you trust its source.';
  if (width * height > limits.maxPixels) {
    fail('too-large', {
      where,
      expected: `at most ${limits.maxPixels} pixels`,
      got: `${width} × ${height}`,
      fix,
    });
  }
  if (workingBytes > limits.maxBytes) {
    fail('too-large', {
      where,
      expected: `a picture that decodes within ${limits.maxBytes} bytes of memory`,
      got: `${width} × ${height}, which may take ${workingBytes}`,
      fix,
    });
  }
}
