import type { ModelConfig } from '@imglish/core';
import {
  imagenetPreprocessor,
  type PreprocessorConfig,
  parsePreprocessorConfig,
} from '@imglish/tokenizers';

/** Sides up to which the reference's ImageNet transform would take images as they are. */
const SMALL = 32;

/**
 * ImageNet's: shorter side to S, the middle S × S, its mean and deviation. Stretched where the model's
 * images are no square, or so small that the reference would not resize at all.
 */
export function preprocessor([
  height,
  width,
]: ModelConfig['imageSize']): Required<PreprocessorConfig> {
  const cropped = imagenetPreprocessor(height);
  if (height === width && height > SMALL) return cropped;
  const { mean, std } = cropped;
  return parsePreprocessorConfig({ size: [height, width], mode: 'stretch', mean, std });
}
