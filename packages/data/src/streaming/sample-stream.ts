import { ConfigError, DataError, DEFAULT_WINDOW, draw, windowOrder } from '@imglish/core';
import { checkCount } from '../dataset/dataset.js';
import type { Shard } from './shard.js';
import { type BrokenOptions, type SoundRecord, soundRecords } from './sound-records.js';

export interface SampleStreamOptions extends BrokenOptions {
  readonly seed: number;
  /** Neighbouring records that are mixed; see `windowOrder`. */
  readonly window?: number;
  /** This process among `worldSize`; default 0 of 1. */
  readonly rank?: number;
  readonly worldSize?: number;
  /** Passes over the data, after which the stream ends; by default it never does. */
  readonly epochs?: number;
  /** Samples that are read and decoded before they are asked for, at most; default 16. */
  readonly ahead?: number;
  /** Where to go on; by default the beginning. */
  readonly state?: StreamState;
}

/** Where a stream stands, as plain JSON. */
export interface StreamState {
  /** Samples that all ranks together have taken. */
  readonly position: number;
  /** Broken records met so far, by index. */
  readonly broken: readonly number[];
  /** Of the shards, the seed and the window: a state fits no others. */
  readonly fingerprint: string;
}

export interface Sample<T> {
  /** Counted through all epochs and ranks. */
  readonly number: number;
  readonly example: T;
  /** Where to go on after this sample. */
  readonly state: StreamState;
}

export interface SampleStream<T> extends AsyncIterable<Sample<T>> {
  /** Records of an epoch. */
  readonly size: number;
}

/**
 * The samples of a rank, in order: those with the numbers rank, rank + worldSize, rank + 2 worldSize, …
 * of `windowOrder`. Which example has which number depends on nothing but the shards, the seed and
 * the window, so world sizes can change at any state, and as many reads as you like can run at once.
 *
 * Ahead of the consumer at most `ahead` samples are held: memory is that of so many examples and the
 * files they are decoded from. All ranks have the same `position`; `broken` is each rank's own.
 *
 * @throws ConfigError `config/option`; DataError `data/other-stream` (a state of other shards, another
 * seed or window), `data/empty`; iteration rejects with `data/too-many-broken` or an error of reading.
 */
export function sampleStream<T>(
  shards: readonly Shard<T>[],
  options: SampleStreamOptions,
): SampleStream<T> {
  const { seed, window = DEFAULT_WINDOW, rank = 0, worldSize = 1, ahead = 16 } = options;
  const { epochs = Number.POSITIVE_INFINITY, state } = options;
  checkCount('sampleStream', 'worldSize', worldSize, 1);
  checkCount('sampleStream', 'rank', rank);
  checkCount('sampleStream', 'ahead', ahead, 1);
  if (rank >= worldSize) {
    throw new ConfigError({
      code: 'config/option',
      where: 'sampleStream',
      expected: `a rank below the world size ${worldSize}`,
      got: String(rank),
    });
  }
  const fingerprint = fingerprintOf(shards, seed, window);
  if (state && state.fingerprint !== fingerprint) {
    throw new DataError({
      code: 'data/other-stream',
      where: 'sampleStream',
      expected: `a state of these shards, seed and window (${fingerprint})`,
      got: state.fingerprint,
      fix: 'Give the shards, seed and window of the run that is to go on, or leave the state out.',
    });
  }
  const begin = state?.position ?? 0;
  checkCount('sampleStream', 'state.position', begin);
  const records = soundRecords(shards, options);
  records.recall(state?.broken ?? []);

  async function* samples(): AsyncGenerator<Sample<T>> {
    const order = windowOrder(records.sizes, { seed, window });
    const end = epochs * records.size;
    const queue: { number: number; found: Promise<Outcome<T>> }[] = [];
    let next = begin + rank;
    for (;;) {
      while (queue.length < ahead && next < end) {
        queue.push({ number: next, found: settled(records.find(order(next))) });
        next += worldSize;
      }
      const first = queue.shift();
      if (!first) return;
      const outcome = await first.found;
      if ('error' in outcome) throw outcome.error;
      const example = records.accept(outcome.value);
      const { number } = first;
      const position = number - rank + worldSize;
      yield { number, example, state: { position, broken: records.broken, fingerprint } };
    }
  }
  return { size: records.size, [Symbol.asyncIterator]: samples };
}

type Outcome<T> = { value: SoundRecord<T> } | { error: unknown };

/** Never rejects: an error waits for its turn. */
function settled<T>(found: Promise<SoundRecord<T>>): Promise<Outcome<T>> {
  return found.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

/** Sixteen hexadecimal digits of the names and sizes of the shards, the seed and the window. */
function fingerprintOf(shards: readonly Shard<unknown>[], seed: number, window: number): string {
  const names = shards.map(({ name, size }) => [name.slice(name.lastIndexOf('/') + 1), size]);
  const stream = draw(seed, JSON.stringify([names, window]));
  return [stream.uint32(), stream.uint32()]
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('');
}
