import { readFileSync } from 'node:fs';
import path from 'node:path';
import { recordError } from '../../records/record-error.js';

/** Lists the shards of a folder, as WebDataset's `widsindex` does. */
export const SHARD_INDEX = 'index.json';

const KIND = 'wids-shard-index-v1';

export interface IndexedShard {
  /** Name of the file, beside the index. */
  readonly file: string;
  readonly records: number;
  readonly bytes: number;
}

export function formatShardIndex(shards: readonly IndexedShard[]): string {
  const shardlist = shards.map(({ file, records, bytes }) => {
    return { url: file, nsamples: records, filesize: bytes };
  });
  return `${JSON.stringify({ __kind__: KIND, wids_version: 1, shardlist }, undefined, 2)}\n`;
}

/**
 * The shards that a folder's `index.json` lists, undefined where it has none of that kind.
 *
 * @throws DataError `data/bad-index` where a shard has no name or no number of records.
 */
export function readShardIndex(folder: string): readonly Omit<IndexedShard, 'bytes'>[] | undefined {
  const file = path.join(folder, SHARD_INDEX);
  let index: { __kind__?: unknown; shardlist?: unknown };
  try {
    index = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Not there, or something else of that name.
    return undefined;
  }
  if (index?.__kind__ !== KIND || !Array.isArray(index.shardlist)) return undefined;
  return index.shardlist.map((shard: { url?: unknown; nsamples?: unknown }, i) => {
    const { url, nsamples } = shard;
    if (typeof url === 'string' && Number.isSafeInteger(nsamples)) {
      return { file: url, records: nsamples as number };
    }
    const expected = '"url" and "nsamples" of each shard';
    throw recordError('bad-index', `${file}, shard ${i}`, expected, JSON.stringify(shard));
  });
}
