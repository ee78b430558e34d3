import { type Dataset, draw } from '@imglish/core';
import { checkCount, subset } from './dataset.js';

/**
 * The order of one epoch: a permutation of 0 … size-1 that depends on nothing but
 * `(size, seed, epoch)`, so that a run that resumes, or one with other workers, sees the same.
 */
export function epochOrder(size: number, seed: number, epoch = 0): Uint32Array {
  checkCount('epochOrder', 'size', size);
  checkCount('epochOrder', 'epoch', epoch);
  return draw(seed, 'data/epoch-order', epoch).permutation(size);
}

/** `dataset` in the order of one epoch. */
export function shuffleDataset<T>(dataset: Dataset<T>, seed: number, epoch = 0): Dataset<T> {
  return subset(dataset, epochOrder(dataset.size, seed, epoch));
}
