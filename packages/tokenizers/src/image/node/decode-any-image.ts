import { ConfigError, type RgbImage } from '@imglish/core';
import { decodeImage } from '../decode-image.js';
import { type DecodeImageOptions, resolveLimits } from '../decode-options.js';
import { fail } from '../image-error.js';
import { sniffImageFormat } from '../sniff.js';

export interface DecodeAnyImageOptions extends DecodeImageOptions {
  /** SVG: pixels of the longer side; default: the drawing's own size. */
  svgSize?: number;
}

const WHERE = 'decodeAnyImage';

/**
 * Decodes PNG and JPEG as `decodeImage` does, and WebP, GIF (its first frame) and SVG through
 * `sharp`, an optional peer dependency of this package that only these three need.
 *
 * Alpha is dropped unless a background is given; most drawings want one. Errors: those of
 * `decodeImage`; `image/needs-sharp` where `sharp` is not installed; `image/corrupt` with sharp's
 * error as its cause.
 */
export async function decodeAnyImage(
  bytes: Uint8Array,
  options: DecodeAnyImageOptions = {},
): Promise<RgbImage> {
  const { svgSize, ...common } = options;
  const format = sniffImageFormat(bytes);
  if (svgSize !== undefined && !(Number.isSafeInteger(svgSize) && svgSize > 0)) {
    throw new ConfigError({
      code: 'config/invalid-value',
      where: WHERE,
      expected: 'svgSize to be a positive integer',
      got: String(svgSize),
    });
  }
  if (format !== 'webp' && format !== 'gif' && format !== 'svg') return decodeImage(bytes, common);
  const { maxPixels, background } = resolveLimits(WHERE, common, bytes.length);
  if (format === 'svg' && svgSize !== undefined && svgSize ** 2 > maxPixels) {
    fail('too-large', {
      where: WHERE,
      expected: `an svgSize whose square is at most ${maxPixels} pixels`,
      got: `${svgSize}`,
    });
  }
  const sharp = await loadSharp(format);
  try {
    let pipeline = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' });
    const { width, height } = await pipeline.metadata();
    if (width * height > maxPixels) throw new Error('Input image exceeds pixel limit');
    if (format === 'svg' && svgSize !== undefined) {
      // Rendered at the wanted density: 72 dots an inch give the drawing's own size.
      const density = Math.min(100_000, Math.max(1, (72 * svgSize) / Math.max(width, height)));
      pipeline = sharp(bytes, { density, limitInputPixels: maxPixels });
      pipeline = pipeline.resize({ width: svgSize, height: svgSize, fit: 'inside' });
    }
    if (background) {
      const [r, g, b] = background;
      pipeline = pipeline.flatten({ background: { r, g, b } });
    }
    const { data, info } = await pipeline
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: new Uint8Array(data) };
  } catch (error) {
    const tooLarge = /pixel limit/i.test(String(error));
    return fail(tooLarge ? 'too-large' : 'corrupt', {
      where: WHERE,
      expected: tooLarge ? `at most ${maxPixels} pixels` : `a readable ${format} file`,
      got: error instanceof Error ? error.message : String(error),
      fix: tooLarge ? 'Shrink the picture, or raise maxPixels.' : 'Fetch or convert it again.',
      cause: error,
    });
  }
}

async function loadSharp(format: string): Promise<typeof import('sharp').default> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    return fail('needs-sharp', {
      where: WHERE,
      expected: `the package sharp, which reads ${format}`,
      got: 'no such package',
      fix: 'Install it (npm install sharp@0.35.5), or convert the picture to PNG or JPEG.',
      cause,
    });
  }
}
