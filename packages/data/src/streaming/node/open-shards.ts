import { stat } from 'node:fs/promises';
import type { ByteSource, PairExample } from '@imglish/core';
import { fileSource } from '@imglish/core/node';
import { openTaskData } from '../../node/open-task-data.js';
import { recordError } from '../../records/record-error.js';
import { expandBraces } from '../brace-expansion.js';
import { type DecodeOption, decodeOf } from '../captioned-record.js';
import { parquetShards } from '../parquet/parquet-shards.js';
import { datasetShard, type Shard } from '../shard.js';
import { tarShard } from '../tar/tar-shard.js';

/** Shards of files that stay open. */
export interface OpenShards {
  readonly shards: readonly Shard<PairExample>[];
  close(): Promise<void>;
}

/** Whether a name, or what it stands for, is one of shards: `.tar` or `.parquet`. */
export function isShardName(name: string): boolean {
  return /\.(tar|parquet)$/.test(name) || name.includes('{');
}

/**
 * Opens captioned images in shards: WebDataset's `.tar`, `.parquet` (each row group is a shard), and
 * folders in any format that is read for captioning (each is a shard, its split `train`). Names may
 * have braces, `shards/{000..009}.tar`; the order of shards is that of the names.
 *
 * @throws ConfigError `config/shard-pattern`; IoError `io/not-found`; DataError `data/no-format`,
 * `data/bad-parquet` and what `parquetShards` names. A cut or damaged `.tar` is no error: see `tarShard`.
 */
export async function openShards(
  names: readonly string[],
  options: DecodeOption = {},
): Promise<OpenShards> {
  const decode = decodeOf('openShards', options);
  const sources: ByteSource[] = [];
  const close = async () => {
    for (const source of sources.splice(0)) await source.close?.();
  };
  const shards: Shard<PairExample>[] = [];
  try {
    for (const name of names.flatMap(expandBraces)) {
      const found = await stat(name).catch(() => undefined);
      if (found?.isDirectory()) {
        const folder = await openTaskData('image-captioning', name, 'train', { decode });
        shards.push(datasetShard(name, folder));
        continue;
      }
      const source = await fileSource(name);
      sources.push(source);
      if (name.endsWith('.tar')) shards.push(await tarShard(source, { decode }));
      else if (name.endsWith('.parquet')) shards.push(...(await parquetShards(source, { decode })));
      else {
        const expected = 'a folder, or a file that ends in .tar or .parquet';
        throw recordError('no-format', name, expected, 'neither', {
          fix: 'Unpack what is compressed: records are read where they lie.',
        });
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { shards, close };
}
