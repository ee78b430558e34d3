import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type BrokenExample,
  type ByteSink,
  ConfigError,
  type DataError,
  type Dataset,
  isExampleError,
  rejectUnknownKeys,
} from '@imglish/core';
import { fileSink, newFolder } from '@imglish/core/node';
import { checkCount } from '../../../dataset/dataset.js';
import { recordError } from '../../../records/record-error.js';
import type { EncodedPair } from '../../encoded-pair.js';
import { formatShardIndex, type IndexedShard, SHARD_INDEX } from '../shard-index.js';
import { parquetWriter } from './parquet-writer.js';
import { pictureFile } from './picture-file.js';
import type { ShardWriter, WrittenRecord } from './shard-writer.js';
import { tarWriter } from './tar-writer.js';

export type ShardFormat = 'tar' | 'parquet';

const WRITERS = { tar: tarWriter, parquet: parquetWriter } as const satisfies Record<
  ShardFormat,
  unknown
>;

export const shardFormats: readonly ShardFormat[] = ['tar', 'parquet'];

export interface WriteShardsOptions {
  /** Default `tar`. */
  readonly format?: ShardFormat;
  /** Bytes of a shard at most, unless a single record is larger; of Parquet, about. Default 100 MB. */
  readonly size?: number;
  /** Broken records that are left out before writing ends with an error; default 0. */
  readonly maxBroken?: number;
  /** Is told of every broken record. */
  readonly onBroken?: (broken: BrokenExample) => void;
  /** Told after each record how many of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops the writing, which then leaves nothing. */
  readonly signal?: AbortSignal;
}

export interface WrittenShards {
  readonly records: number;
  readonly bytes: number;
  readonly shards: readonly IndexedShard[];
  /** Records that were left out. */
  readonly broken: number;
}

/**
 * Writes captioned pictures as shards into a new folder: `00000.tar`, `00001.tar`, … (or `.parquet`),
 * and `index.json`, which lists them with their counts as WebDataset's `widsindex` does. Pictures stay
 * as they are; what is neither PNG, JPEG, GIF nor WebP becomes PNG.
 *
 * The same records and options give the same bytes. The folder appears when it is complete.
 *
 * @throws ConfigError `config/option`; IoError `io/exists`, `io/write`; the first broken record's error,
 * or DataError `data/too-many-broken`, `data/empty`; the signal's reason.
 */
export async function writeShards(
  directory: string,
  pairs: Dataset<EncodedPair>,
  options: WriteShardsOptions = {},
): Promise<WrittenShards> {
  const { format, size, maxBroken, onBroken, onProgress, signal } = complete(options);
  const folder = await newFolder('writeShards', directory);
  const shards: IndexedShard[] = [];
  let open: OpenShard | undefined;
  let [written, broken] = [0, 0];
  const endShard = async (): Promise<void> => {
    if (open) shards.push(await open.end());
    open = undefined;
  };
  try {
    for (let i = 0; i < pairs.size; i++) {
      signal?.throwIfAborted();
      try {
        const record = await recordOf(written, pairs, i);
        if (open && open.sizeWith(record) > size) await endShard();
        open ??= await openShard(
          folder.path,
          `${String(shards.length).padStart(5, '0')}.${format}`,
        );
        await open.add(record);
        written++;
      } catch (error) {
        if (!isExampleError(error)) throw error;
        onBroken?.({ index: i, error });
        if (++broken > maxBroken) throw maxBroken === 0 ? error : tooMany(maxBroken, error);
      }
      onProgress?.(i + 1, pairs.size);
    }
    await endShard();
    if (written === 0) throw recordError('empty', 'writeShards', 'at least one record', 'none');
    await writeFile(path.join(folder.path, SHARD_INDEX), formatShardIndex(shards));
    await folder.finish();
  } catch (error) {
    await open?.abort();
    await folder.abort();
    throw error;
  }
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  return { records: written, bytes, shards, broken };
}

interface OpenShard extends Pick<ShardWriter, 'sizeWith' | 'add'> {
  end(): Promise<IndexedShard>;
  abort(): Promise<void>;
}

async function openShard(folder: string, file: string): Promise<OpenShard> {
  const sink = await fileSink(path.join(folder, file));
  let [records, bytes] = [0, 0];
  const counted: ByteSink = {
    ...sink,
    write(piece) {
      bytes += piece.length;
      return sink.write(piece);
    },
  };
  const format = path.extname(file).slice(1) as ShardFormat;
  const writer = WRITERS[format](counted);
  return {
    sizeWith: writer.sizeWith,
    async add(record) {
      await writer.add(record);
      records++;
    },
    async end() {
      await writer.finish();
      await sink.close();
      return { file, records, bytes };
    },
    abort: () => sink.abort(),
  };
}

async function recordOf(
  number: number,
  pairs: Dataset<EncodedPair>,
  index: number,
): Promise<WrittenRecord> {
  const { id, image, captions } = await pairs.get(index);
  const key = String(number).padStart(9, '0');
  return { key, id, captions, picture: await pictureFile(image) };
}

function tooMany(most: number, error: Error): DataError {
  const got = `more, the last: ${error.message}`;
  return recordError('too-many-broken', 'writeShards', `at most ${most} broken records`, got, {
    fix: 'Mend the data, or raise maxBroken.',
    cause: error,
  });
}

type Complete = Required<Pick<WriteShardsOptions, 'format' | 'size' | 'maxBroken'>> &
  WriteShardsOptions;

function complete(options: WriteShardsOptions): Complete {
  rejectUnknownKeys('writeShards', options, [
    ...['format', 'size', 'maxBroken', 'onBroken', 'onProgress', 'signal'],
  ]);
  const { format = 'tar', size = 1e8, maxBroken = 0 } = options;
  if (!shardFormats.includes(format)) {
    throw new ConfigError({
      code: 'config/option',
      where: 'writeShards',
      expected: `a format: ${shardFormats.join(' or ')}`,
      got: String(format),
    });
  }
  checkCount('writeShards', 'size', size, 1);
  checkCount('writeShards', 'maxBroken', maxBroken);
  return { ...options, format, size, maxBroken };
}
