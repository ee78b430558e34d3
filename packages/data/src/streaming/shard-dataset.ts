import type { Dataset } from '@imglish/core';
import { checkIndex } from '../dataset/dataset.js';
import type { Shard } from './shard.js';
import { type BrokenOptions, soundRecords } from './sound-records.js';

/**
 * The records of shards as a data set with random access, for `pretrain` and everything else that asks
 * for examples by index. The place of a broken record is taken by the next.
 *
 * @throws DataError `data/empty`; `get` rejects with `data/too-many-broken` beyond the limit.
 */
export function shardDataset<T>(
  shards: readonly Shard<T>[],
  options: BrokenOptions = {},
): Dataset<T> {
  const records = soundRecords(shards, options);
  return {
    size: records.size,
    async get(index: number): Promise<T> {
      checkIndex('shardDataset.get', index, records.size);
      return records.accept(await records.find(index));
    },
  };
}
