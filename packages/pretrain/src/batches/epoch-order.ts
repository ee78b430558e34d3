import { draw } from '@imglish/core';

/**
 * Number of a sample, counted through all epochs → index into a data set of `size` examples.
 *
 * Every epoch visits each example once, in an order of its own.
 */
export function epochOrder(
  seed: number,
  purpose: string,
  size: number,
): (sample: number) => number {
  let known = -1;
  let order: Uint32Array = new Uint32Array(0);
  return (sample) => {
    const epoch = Math.floor(sample / size);
    if (epoch !== known) {
      order = draw(seed, purpose, epoch).permutation(size);
      known = epoch;
    }
    return order[sample % size]!;
  };
}
