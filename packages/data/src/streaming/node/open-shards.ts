import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type ByteSource, type PairExample, rejectUnknownKeys } from '@imglish/core';
import { fileSource } from '@imglish/core/node';
import { decodeAnyImage } from '@imglish/tokenizers/node';
import { openEncodedPairs } from '../../node/open-task-data.js';
import { recordError } from '../../records/record-error.js';
import { expandBraces } from '../brace-expansion.js';
import { type DecodeOption, decodedShard, type EncodedPair } from '../encoded-pair.js';
import { latestKept } from '../latest-kept.js';
import { type KeptRowGroups, parquetRecords } from '../parquet/parquet-shards.js';
import { datasetShard, type Shard } from '../shard.js';
import { tarRecords } from '../tar/tar-shard.js';
import { gzipSource } from './gzip-source.js';
import { readShardIndex } from './shard-index.js';

export interface OpenShardsOptions extends DecodeOption {
  /**
   * Bytes that are kept of what has to be unpacked whole, `.tar.gz` shards and likewise row groups of
   * Parquet files; a larger one is refused. Default 512 MiB.
   */
  readonly keepBytes?: number;
}

/** Shards of files that stay open. */
export interface OpenShards {
  readonly shards: readonly Shard<PairExample>[];
  /** The same records with their pictures as they are stored. */
  readonly encoded: readonly Shard<EncodedPair>[];
  close(): Promise<void>;
}

const TAR = /\.tar$/;
const GZIP = /\.(tar\.gz|tgz)$/;
const PARQUET = /\.parquet$/;

/** Whether a name is one of shards: `.tar`, `.tar.gz`, `.parquet`, with braces, or their folder. */
export function isShardName(name: string): boolean {
  if ([TAR, GZIP, PARQUET].some((ending) => ending.test(name)) || name.includes('{')) return true;
  return readShardIndex(name) !== undefined;
}

/**
 * Opens captioned images in shards: WebDataset's `.tar` and `.tar.gz`, `.parquet` (each row group is a
 * shard), folders with an `index.json` of such shards as `writeShards` writes it, and folders in any
 * format that is read for captioning (each is a shard, its split `train`). Names may have braces,
 * `shards/{000..009}.tar`; the order of shards is that of the names.
 *
 * @throws ConfigError `config/shard-pattern`; IoError `io/not-found`; DataError `data/no-format`,
 * `data/bad-index`, `data/bad-parquet`, `data/shard-too-large` and what `parquetShards` names. A cut or
 * damaged archive, or one with fewer records than its index says, is no error: see `Shard.damage`.
 */
export async function openShards(
  names: readonly string[],
  options: OpenShardsOptions = {},
): Promise<OpenShards> {
  rejectUnknownKeys('openShards', options, ['decode', 'keepBytes']);
  const { decode = decodeAnyImage, keepBytes = 2 ** 29 } = options;
  const unpacked = latestKept<string, Uint8Array>(keepBytes);
  const rowGroups: KeptRowGroups = latestKept(keepBytes);
  const sources: ByteSource[] = [];
  const close = async () => {
    for (const source of sources.splice(0)) await source.close?.();
  };
  const openFile = async (name: string): Promise<Shard<EncodedPair>[]> => {
    if (![TAR, GZIP, PARQUET].some((ending) => ending.test(name))) {
      // A name that is none is told before its form.
      await (await fileSource(name)).close?.();
      const expected = 'a folder, or a file that ends in .tar, .tar.gz, .tgz or .parquet';
      throw recordError('no-format', name, expected, 'neither');
    }
    const source = await fileSource(name);
    sources.push(source);
    if (TAR.test(name)) return [await tarRecords(source)];
    if (PARQUET.test(name)) return parquetRecords(source, { keepBytes }, rowGroups);
    const { source: tar, damage } = await gzipSource(source, keepBytes, unpacked);
    return [await tarRecords(tar, { lost: damage })];
  };
  const openFolder = async (folder: string): Promise<Shard<EncodedPair>[]> => {
    const index = readShardIndex(folder);
    if (!index) return [datasetShard(folder, await openEncodedPairs(folder, 'train'))];
    const shards: Shard<EncodedPair>[] = [];
    for (const { file, records } of index) {
      const opened = await openFile(path.join(folder, file));
      shards.push(...withoutLoss(opened, records));
    }
    return shards;
  };
  const encoded: Shard<EncodedPair>[] = [];
  try {
    for (const name of names.flatMap(expandBraces)) {
      const found = await stat(name).catch(() => undefined);
      encoded.push(...(found?.isDirectory() ? await openFolder(name) : await openFile(name)));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { shards: encoded.map((shard) => decodedShard(shard, decode)), encoded, close };
}

/** The shards of a file, damaged where they have fewer records than were written. */
function withoutLoss(shards: Shard<EncodedPair>[], records: number): Shard<EncodedPair>[] {
  const size = shards.reduce((sum, shard) => sum + shard.size, 0);
  const last = shards.at(-1);
  if (size >= records || !last || last.damage) return shards;
  const expected = `${records} records, as its index says`;
  const damage = recordError('missing-records', last.name, expected, `${size}`, {
    fix: 'Fetch the shard again.',
  });
  return [...shards.slice(0, -1), { ...last, damage }];
}
