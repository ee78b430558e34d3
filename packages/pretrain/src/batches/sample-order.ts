import { type Dataset, DEFAULT_WINDOW, windowOrder } from '@imglish/core';
import { epochOrder } from './epoch-order.js';

/**
 * Number of a sample, counted through all epochs → index into a data set; each epoch visits each
 * example once. A data set of parts (shards), and any with a `window`, goes by `windowOrder`: its parts
 * in an order drawn for the epoch, neighbours mixed within the window (default 4,096). Any other is
 * mixed as a whole.
 */
export function sampleOrder(
  { size, parts }: Pick<Dataset<unknown>, 'size' | 'parts'>,
  seed: number,
  purpose: string,
  window?: number,
): (sample: number) => number {
  if (!parts && window === undefined) return epochOrder(seed, purpose, size);
  return windowOrder(parts ?? [size], { seed, purpose, window: window ?? DEFAULT_WINDOW });
}
