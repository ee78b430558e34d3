import { ConfigError } from '@imglish/core';

export interface LengthBucketOptions {
  /** Most samples of a bucket. */
  batch: number;
  /** Padded lengths are multiples of this, default 1: fewer different shapes, a little more padding. */
  multipleOf?: number;
  /** Longest a bucket may be padded to, if a multiple would go beyond what the model reads. */
  maxLength?: number;
}

/** Samples that go through the model together. */
export interface LengthBucket {
  /** Which samples, the shortest first; where their results belong. */
  readonly indices: readonly number[];
  /** What each of them is padded to. */
  readonly length: number;
}

/**
 * Groups samples of like length, so that little is computed for padding: sorted by length, those of
 * the same length in their order, and cut into buckets of `batch`. Every sample is in one bucket;
 * the last bucket, of the longest, may be smaller than the others. The same lengths give the same
 * buckets.
 *
 * A result belongs where its sample was: `buckets[b].indices[row]` says where.
 *
 * Throws `ConfigError` `config/length-buckets` for lengths or options that are no whole numbers of at
 * least 1, or a sample longer than `maxLength`.
 */
export function lengthBuckets(
  lengths: ArrayLike<number>,
  { batch, multipleOf = 1, maxLength = Number.POSITIVE_INFINITY }: LengthBucketOptions,
): LengthBucket[] {
  const check = (expected: string, ok: boolean, got: unknown): void => {
    if (ok) return;
    const details = { code: 'config/length-buckets', where: 'lengthBuckets' };
    throw new ConfigError({ ...details, expected, got: String(got) });
  };
  const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 1;
  check('a batch of at least 1', isWhole(batch), batch);
  check('multipleOf of at least 1', isWhole(multipleOf), multipleOf);
  check('a maxLength of at least 1', maxLength === Infinity || isWhole(maxLength), maxLength);
  const order = Array.from({ length: lengths.length }, (_, index) => index);
  for (const index of order) {
    const length = lengths[index]!;
    const fits = isWhole(length) && length <= maxLength;
    check(`lengths from 1 to ${maxLength}`, fits, `${length} for sample ${index}`);
  }
  order.sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const buckets: LengthBucket[] = [];
  for (let start = 0; start < order.length; start += batch) {
    const indices = order.slice(start, start + batch);
    const longest = lengths[indices.at(-1)!]!;
    const length = Math.min(Math.ceil(longest / multipleOf) * multipleOf, maxLength);
    buckets.push({ indices, length });
  }
  return buckets;
}
