import { type Dataset, endsOf, firstAbove } from '@imglish/core';
import { checkIndex } from '../dataset/dataset.js';
import type { Shard } from './shard.js';

/**
 * The records of shards as a data set with random access, for `pretrain` and everything else that asks
 * for examples by index; each shard is one of its parts. A broken record rejects: see `soundExample`.
 */
export function shardDataset<T>(shards: readonly Shard<T>[]): Dataset<T> {
  const parts = shards.map((shard) => shard.size);
  const ends = endsOf(parts);
  const size = ends.at(-1) ?? 0;
  return {
    size,
    parts,
    async get(index: number): Promise<T> {
      checkIndex('shardDataset.get', index, size);
      const which = firstAbove(ends, index);
      return shards[which]!.read(index - (ends[which]! - parts[which]!));
    },
  };
}
