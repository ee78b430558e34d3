import type { RgbImage } from '@imglish/core';
import type { DecodeImageOptions } from './decode-options.js';
import { unsupported } from './image-error.js';
import { decodeJpeg } from './jpeg/decode-jpeg.js';
import { decodePng } from './png/decode-png.js';
import { sniffImageFormat } from './sniff.js';

/**
 * Decodes a PNG or JPEG, whichever the bytes are, to RGB; the same code and the same pixels in Node
 * and in the browser. See `decodePng` and `decodeJpeg`.
 *
 * Alpha is dropped unless a background is given; EXIF rotation is not applied (both as in the
 * reference). Errors: `ImageError` `image/corrupt`, `image/truncated`, `image/too-large`,
 * `image/unsupported`.
 */
export function decodeImage(bytes: Uint8Array, options: DecodeImageOptions = {}): RgbImage {
  const format = sniffImageFormat(bytes);
  if (format === 'png') return decodePng(bytes, options);
  if (format === 'jpeg') return decodeJpeg(bytes, options);
  return unsupported(
    'decodeImage',
    'a PNG or JPEG',
    format ?? 'bytes of no known image format',
    format === undefined
      ? 'Convert the picture to PNG or JPEG.'
      : 'Convert it, or in Node use decodeAnyImage of @imglish/tokenizers/node.',
  );
}
