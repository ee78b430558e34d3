import {
  type ByteSource,
  ImglishError,
  IoError,
  type PairExample,
  rejectUnknownKeys,
} from '@imglish/core';
import { decodeImage } from '@imglish/tokenizers';
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { checkIndex } from '../../dataset/dataset.js';
import { recordError } from '../../records/record-error.js';
import {
  CAPTION_FIELDS,
  captionsOf,
  checkedRecord,
  type DecodeOption,
  decodedShard,
  type EncodedPair,
} from '../encoded-pair.js';
import { latestKept } from '../latest-kept.js';
import type { Shard } from '../shard.js';

export interface ParquetShardsOptions extends ParquetRecordsOptions, DecodeOption {}

export interface ParquetRecordsOptions {
  /** Fetches a picture where the file has addresses only; without it such a file is refused. */
  readonly fetchImage?: (url: string) => Promise<Uint8Array>;
  /** Bytes of unpacked row groups that are kept, those of one at least; default 512 MiB. */
  readonly keepBytes?: number;
}

type Row = Record<string, unknown>;

/** Row groups by the names of their shards; several files may share the room. */
export type KeptRowGroups = ReturnType<typeof latestKept<string, Row[]>>;

const IMAGE_COLUMNS = ['image', 'jpg', 'jpeg', 'png', 'webp', 'image_bytes', 'bytes'] as const;
const URL_COLUMNS = ['url', 'URL', 'image_url'] as const;
const ID_COLUMNS = ['id', 'key', '__key__', 'SAMPLE_ID'] as const;

/**
 * The row groups of a Parquet file as shards, in the layouts of LAION and of Hugging Face: a column
 * `image`, `jpg`, … of bytes (or of `{bytes, path}`), or else `url` with `fetchImage`; captions in
 * `captions`, `caption`, `text` or `TEXT`; the id in `id`, `key`, `__key__` or `SAMPLE_ID`, by default
 * the number of the row. Names of columns that are there are taken in these orders.
 *
 * Opening reads the footer. A row group is unpacked whole when a row of it is asked for, and kept while
 * there is room: read by `sampleStream`, with a window that spans few row groups.
 *
 * @throws DataError `data/bad-parquet`, `data/bad-columns`, `data/row-group-too-large`; `read` rejects
 * with these, `data/missing-image`, `data/no-captions`, and what `decode` and `fetchImage` throw.
 */
export async function parquetShards(
  source: ByteSource,
  options: ParquetShardsOptions = {},
): Promise<Shard<PairExample>[]> {
  rejectUnknownKeys('parquetShards', options, ['decode', 'fetchImage', 'keepBytes']);
  const { decode = decodeImage, ...rest } = options;
  return (await parquetRecords(source, rest)).map((shard) => decodedShard(shard, decode));
}

/** `parquetShards` with pictures as they are stored. */
export async function parquetRecords(
  source: ByteSource,
  { fetchImage, keepBytes = 2 ** 29 }: ParquetRecordsOptions = {},
  kept: KeptRowGroups = latestKept(keepBytes),
): Promise<Shard<EncodedPair>[]> {
  const { name } = source;
  const file: AsyncBuffer = {
    byteLength: source.size,
    async slice(begin, end = source.size) {
      const bytes = new Uint8Array(await source.read(begin, end - begin));
      return bytes.buffer;
    },
  };
  const metadata = await readable(name, () => parquetMetadataAsync(file));
  const columns = columnsOf(name, metadata, fetchImage !== undefined);
  const wanted = Object.values(columns).filter((column) => column !== undefined);
  let firstRow = 0;
  return metadata.row_groups.map((group, number): Shard<EncodedPair> => {
    const rowStart = firstRow;
    const size = Number(group.num_rows);
    firstRow += size;
    const shard = `${name}, row group ${number}`;
    const bytes = unpackedBytes(group, wanted);
    if (bytes > keepBytes) {
      throw recordError('row-group-too-large', shard, `at most ${keepBytes} bytes`, `${bytes}`, {
        fix: 'Write it with smaller row groups, or raise keepBytes.',
      });
    }
    const load = () =>
      readable(shard, () =>
        parquetReadObjects({
          ...{ file, metadata, compressors, columns: wanted, utf8: false },
          ...{ rowStart, rowEnd: rowStart + size },
        }),
      );
    return {
      name: shard,
      size,
      async read(record) {
        checkIndex('parquetShards.read', record, size);
        const place = `${shard}, row ${record}`;
        const row = (await kept(shard, bytes, load))[record]!;
        const id = columns.id === undefined ? undefined : row[columns.id];
        return checkedRecord({
          id: id === undefined || id === null ? `${name}#${rowStart + record}` : asText(id),
          place,
          image: await imageOf(row, columns, fetchImage),
          captions: captionsOf(textsOf(row[columns.caption])),
        });
      },
    };
  });
}

interface Columns {
  readonly caption: string;
  readonly image: string | undefined;
  readonly url: string | undefined;
  readonly id: string | undefined;
}

function columnsOf(name: string, metadata: FileMetaData, fetches: boolean): Columns {
  const names = childNames(metadata);
  const first = (candidates: readonly string[]) =>
    candidates.find((candidate) => names.includes(candidate));
  const [caption, image, url] = [CAPTION_FIELDS, IMAGE_COLUMNS, URL_COLUMNS].map(first);
  const pictures = image === undefined && fetches ? url : image;
  if (caption === undefined || pictures === undefined) {
    const expected = `a column of ${caption === undefined ? 'captions' : 'pictures'}`;
    throw recordError('bad-columns', name, expected, names.join(', '), {
      fix:
        url === undefined ? 'See docs/data.md.' : 'Give fetchImage, or fetch the pictures first.',
    });
  }
  return { caption, image, url: image === undefined ? url : undefined, id: first(ID_COLUMNS) };
}

/** Columns of the top level: the schema is a tree, written depth first. */
function childNames({ schema }: FileMetaData): string[] {
  const names: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let i = 0; i < (schema[at]?.num_children ?? 0); i++) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) names.push(schema[at]!.name);
  return names;
}

function unpackedBytes(group: FileMetaData['row_groups'][number], wanted: string[]): number {
  return group.columns.reduce((sum, { meta_data: data }) => {
    const isWanted = wanted.includes(data?.path_in_schema[0] ?? '');
    return sum + (isWanted ? Number(data?.total_uncompressed_size ?? 0) : 0);
  }, 0);
}

async function imageOf(
  row: Row,
  columns: Columns,
  fetchImage: ParquetShardsOptions['fetchImage'],
): Promise<Uint8Array | undefined> {
  if (columns.image === undefined) {
    const url = row[columns.url!];
    return typeof url === 'string' && fetchImage ? fetchImage(url) : undefined;
  }
  const value = row[columns.image];
  if (value instanceof Uint8Array) return value;
  const bytes = (value as { bytes?: unknown } | null | undefined)?.bytes;
  return bytes instanceof Uint8Array ? bytes : undefined;
}

/** Old writers do not say that their texts are texts. */
const asText = (value: unknown): string =>
  value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);

function textsOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return asText(value);
  if (!Array.isArray(value)) return value;
  return value.map((each) => (each instanceof Uint8Array ? asText(each) : each));
}

async function readable<T>(place: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof IoError && cause.code !== 'io/out-of-range') throw cause;
    const got = ImglishError.isInstance(cause) ? cause.got : String(cause);
    throw recordError('bad-parquet', place, 'a readable Parquet file', got, { cause });
  }
}
