import { ConfigError } from '../errors/errors.js';
import { draw } from '../random/random.js';

export interface WindowOrderOptions {
  readonly seed: number;
  /** Which order of that seed; by default the one of streams. */
  readonly purpose?: string;
  /** Neighbouring records that are mixed; default 4,096. 1 mixes shards only, 0 nothing at all. */
  readonly window?: number;
}

export const DEFAULT_WINDOW = 4096;

/**
 * Number of a sample, counted through all epochs → index of a record, counted through all shards.
 *
 * Every epoch visits each record once. Shards come in an order drawn for the epoch, their records one
 * after the other; each run of `window` of them is then permuted by a draw of its own. So an order
 * takes the memory of one window, reads few shards at a time, and any place in it is found at once:
 * it depends on nothing but the sizes of the shards, the seed, the purpose, the window and the number.
 */
export function windowOrder(
  sizes: readonly number[],
  options: WindowOrderOptions,
): (sample: number) => number {
  const { seed, purpose = 'data/stream', window = DEFAULT_WINDOW } = options;
  checkCount('window', window);
  const begins = endsOf(sizes).map((end, i) => end - sizes[i]!);
  const size = sizes.reduce((sum, each) => sum + each, 0);
  let epoch = -1;
  let order: ArrayLike<number> = [];
  let ends: number[] = [];
  let place = -1;
  let permutation: ArrayLike<number> = [];

  return (sample) => {
    checkCount('the number of a sample', sample);
    const position = sample % size;
    if (window === 0) return position;
    if (Math.floor(sample / size) !== epoch) {
      epoch = Math.floor(sample / size);
      order = draw(seed, `${purpose}/shards`, epoch).permutation(sizes.length);
      ends = endsOf(Array.from(order, (shard) => sizes[shard]!));
      place = -1;
    }
    const at = Math.floor(position / window);
    if (at !== place) {
      place = at;
      const length = Math.min(window, size - at * window);
      permutation = draw(seed, `${purpose}/window`, epoch, at).permutation(length);
    }
    const mixed = at * window + permutation[position % window]!;
    const which = firstAbove(ends, mixed);
    const shard = order[which]!;
    return begins[shard]! + mixed - (ends[which]! - sizes[shard]!);
  };
}

function checkCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new ConfigError({
    code: 'config/option',
    where: 'windowOrder',
    expected: `${name} to be a whole number of at least 0`,
    got: String(value),
  });
}

/** Running sums. */
export function endsOf(sizes: readonly number[]): number[] {
  let sum = 0;
  return sizes.map((size) => {
    sum += size;
    return sum;
  });
}

/** Index of the first of ascending `values` that is above `value`. */
export function firstAbove(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
