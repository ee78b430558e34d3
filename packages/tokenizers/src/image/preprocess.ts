import type { RgbImage } from '@imglish/core';
import { centerCrop } from './crop.js';
import { type Pixels, toPixels } from './pixels.js';
import { type PreprocessorConfig, parsePreprocessorConfig } from './preprocessor-config.js';
import { resize } from './resize.js';

/** Sides up to which the reference's ImageNet transform takes an image as it is. */
const SMALL = 32;

/**
 * The reference's evaluation transform: an image to normalised pixels `[3, H, W]`.
 *
 * `stretch` resizes to (H, W) and ignores the aspect ratio. `center-crop` resizes the shorter side to
 * trunc(S / cropPct), the longer to trunc of the same ratio, and takes the middle S × S; where
 * S ≤ 32 it takes the image as it is, whatever its size. Then (v / 255 − mean) / std. Exact from the
 * decoded image on. Errors: `ImageError` `image/invalid`, `ConfigError` for the configuration.
 */
export function preprocessImage(image: RgbImage, config: PreprocessorConfig): Pixels {
  const { size, mode, resample, mean, std, cropPct } = parsePreprocessorConfig(config);
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  if (mode === 'stretch') return toPixels(resize(image, width, height, resample), { mean, std });
  if (height <= SMALL) return toPixels(image, { mean, std });
  const short = Math.trunc(height / cropPct);
  const portrait = image.width <= image.height;
  const long = portrait
    ? Math.trunc((short * image.height) / image.width)
    : Math.trunc((short * image.width) / image.height);
  const resized = portrait
    ? resize(image, short, long, resample)
    : resize(image, long, short, resample);
  return toPixels(centerCrop(resized, width, height), { mean, std });
}
