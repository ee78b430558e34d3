import { DataError, endsOf, firstAbove, type ImglishError, soundExample } from '@imglish/core';
import { checkCount } from '../dataset/dataset.js';
import type { Shard } from './shard.js';
import { shardDataset } from './shard-dataset.js';

/** A record that could not be used. */
export interface BrokenRecord {
  /** Counted through all shards; undefined where what follows the last record of a shard is lost. */
  readonly index: number | undefined;
  readonly shard: string;
  /** Within the shard. */
  readonly record: number;
  readonly error: ImglishError;
}

export interface BrokenOptions {
  /** Broken records that are passed over before reading ends with an error; default 100. */
  readonly maxBroken?: number;
  /** Is told of every broken record once. */
  readonly onBroken?: (broken: BrokenRecord) => void;
}

export interface SoundRecord<T> {
  /** Undefined where none was found. */
  readonly example: T | undefined;
  /** What was passed over to find it. */
  readonly broken: readonly BrokenRecord[];
}

/** The records of shards, those that cannot be used passed over and counted. */
export interface SoundRecords<T> {
  /** Records of all shards, broken ones included. */
  readonly size: number;
  readonly sizes: readonly number[];
  /** Indices of the broken records that were met. */
  readonly broken: readonly number[];
  /** The record at `index`, or where it is broken the next that is not; counts nothing yet. */
  find(index: number): Promise<SoundRecord<T>>;
  /**
   * The example of what was found, when its turn has come: counts what was passed over, so that the
   * count does not depend on which read ends first. Throws `data/too-many-broken`.
   */
  accept(found: SoundRecord<T>): T;
  /** Counts records that were met before, in an earlier part of the run. */
  recall(indices: readonly number[]): void;
}

/**
 * Reads records of shards by one index. The place of a broken one is taken by the next, so that every
 * index has an example, always the same. Broken are those that reject with `DataError` or `ImageError`;
 * any other error (a disk that fails, a missing package) is thrown.
 *
 * @throws DataError `data/empty`, `data/too-many-broken` (damaged shards count as one record each).
 */
export function soundRecords<T>(
  shards: readonly Shard<T>[],
  options: BrokenOptions = {},
): SoundRecords<T> {
  const { maxBroken = 100, onBroken } = options;
  checkCount('soundRecords', 'maxBroken', maxBroken);
  const sizes = shards.map((shard) => shard.size);
  const ends = endsOf(sizes);
  const size = ends.at(-1) ?? 0;
  const met = new Set<number>();
  let damaged = 0;

  const checkLimit = ({ shard, record, error }: BrokenRecord): void => {
    const count = met.size + damaged;
    if (count <= maxBroken) return;
    throw new DataError({
      code: 'data/too-many-broken',
      where: `${shard}, record ${record}`,
      expected: `at most ${maxBroken} broken records`,
      got: `${count}, the last: ${error.message}`,
      fix: 'Mend the shards, or raise maxBroken.',
      cause: error,
    });
  };
  const note = (broken: BrokenRecord): void => {
    if (broken.index === undefined) damaged++;
    else if (met.has(broken.index)) return;
    else met.add(broken.index);
    onBroken?.(broken);
    checkLimit(broken);
  };
  for (const shard of shards) {
    const { name, size: record, damage: error } = shard;
    if (error) note({ index: undefined, shard: name, record, error });
  }
  if (size === 0) {
    throw new DataError({
      code: 'data/empty',
      where: 'soundRecords',
      expected: 'shards with at least one record',
      got: shards.length === 0 ? 'no shards' : `none in ${shards.map(({ name }) => name).join()}`,
    });
  }

  const placeOf = (index: number): { shard: Shard<T>; record: number } => {
    const which = firstAbove(ends, index);
    return { shard: shards[which]!, record: index - (ends[which]! - sizes[which]!) };
  };
  const records = shardDataset(shards);

  return {
    size,
    sizes,
    get broken() {
      return [...met].sort((a, b) => a - b);
    },
    async find(wanted) {
      const found = await soundExample(records, wanted, maxBroken);
      const broken = found.broken.map(({ index, error }): BrokenRecord => {
        const { shard, record } = placeOf(index);
        return { index, shard: shard.name, record, error };
      });
      return { example: found.example, broken };
    },
    accept({ example, broken }) {
      broken.forEach(note);
      if (example !== undefined) return example;
      const last = broken.at(-1)!;
      throw new DataError({
        code: 'data/too-many-broken',
        where: `${last.shard}, record ${last.record}`,
        expected: 'a record that can be used',
        got: `${broken.length} broken ones in a row, the last: ${last.error.message}`,
        cause: last.error,
      });
    },
    recall(indices) {
      for (const index of indices) met.add(index);
    },
  };
}
