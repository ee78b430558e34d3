import {
  type ByteSource,
  bytesSource,
  DataError,
  type PairExample,
  rejectUnknownKeys,
} from '@imglish/core';
import { decodeImage } from '@imglish/tokenizers';
import { checkIndex } from '../../dataset/dataset.js';
import { recordError } from '../../records/record-error.js';
import {
  CAPTION_FIELDS,
  captionsOf,
  checkedRecord,
  type DecodeOption,
  decodedShard,
  type EncodedPair,
  type FoundRecord,
} from '../encoded-pair.js';
import type { Shard } from '../shard.js';
import { tarEntries } from './tar-entries.js';

export interface TarShardOptions extends TarRecordsOptions, DecodeOption {}

export interface TarRecordsOptions {
  /** Most bytes of a record, so that a wrong size does not take all memory; default 64 MiB. */
  readonly maxRecordBytes?: number;
  /** Why the archive goes on where `source` ends, such as a compressed file that is cut. */
  readonly lost?: DataError | undefined;
}

const PICTURES = ['jpg', 'jpeg', 'png', 'webp', 'gif'];
/** Bytes that are read at once while headers are looked for. */
const PIECE = 4096;

/**
 * A shard in WebDataset's form: neighbouring files of a tar archive whose paths agree up to the first
 * dot of the name are a record. `.jpg` (or `.jpeg`, `.png`, `.webp`, `.gif`) is its picture; captions
 * are `captions` of `.json`, or else `.txt`, or else `caption` or `text` of `.json`; its id is `id` of
 * `.json`, or else the path. Other files are passed over.
 *
 * Opening reads the headers and keeps 16 bytes a record; a record is then one read. Where the archive
 * is cut or damaged, the whole records before are kept, and `damage` says why the rest is lost.
 *
 * `read` rejects with DataError `data/missing-image`, `data/no-captions`, `data/bad-record`,
 * `data/record-too-large`, and what `decode` throws.
 */
export async function tarShard(
  source: ByteSource,
  options: TarShardOptions = {},
): Promise<Shard<PairExample>> {
  rejectUnknownKeys('tarShard', options, ['decode', 'maxRecordBytes', 'lost']);
  const { decode = decodeImage, ...rest } = options;
  return decodedShard(await tarRecords(source, rest), decode);
}

/** `tarShard` with pictures as they are stored. */
export async function tarRecords(
  source: ByteSource,
  { maxRecordBytes = 2 ** 26, lost }: TarRecordsOptions = {},
): Promise<Shard<EncodedPair>> {
  const { name } = source;
  const { begins, ends, damage } = await findRecords(source, lost);
  return {
    name,
    size: begins.length,
    ...(damage && { damage }),
    async read(record) {
      checkIndex('tarShard.read', record, begins.length);
      const place = `${name}, record ${record}`;
      const [begin, length] = [begins[record]!, ends[record]! - begins[record]!];
      if (length > maxRecordBytes) {
        const expected = `at most ${maxRecordBytes} bytes`;
        throw recordError('record-too-large', place, expected, `${length}`, {
          fix: 'Raise maxRecordBytes if you trust its source.',
        });
      }
      return checkedRecord(await readRecord(await source.read(begin, length), place));
    },
  };
}

/** Path up to the first dot of the name, and what follows it in lower case; none of hidden files. */
function keyOf(path: string): [key: string, extension: string] | undefined {
  const [, key, extension] = /^(?:\.\/)?((?:.*\/)?[^./]+)\.([^/]+)$/s.exec(path) ?? [];
  return key === undefined || extension === undefined ? undefined : [key, extension.toLowerCase()];
}

async function findRecords(
  source: ByteSource,
  lost: DataError | undefined,
): Promise<{ begins: number[]; ends: number[]; damage?: DataError }> {
  const begins: number[] = [];
  const ends: number[] = [];
  let last: string | undefined;
  try {
    for await (const { path, begin, offset, size } of tarEntries(buffered(source))) {
      const key = keyOf(path)?.[0];
      if (key === undefined) continue;
      if (key !== last) begins.push(begin);
      ends[begins.length - 1] = offset + size;
      last = key;
    }
    if (lost) throw lost;
    return { begins, ends };
  } catch (damage) {
    if (!(damage instanceof DataError)) throw damage;
    // The last record may lack files that were to follow.
    return { begins: begins.slice(0, -1), ends: ends.slice(0, -1), damage: lost ?? damage };
  }
}

/** Headers lie close together where files are small. */
function buffered(source: ByteSource): ByteSource {
  let from = 0;
  let piece = new Uint8Array();
  return {
    size: source.size,
    name: source.name,
    async read(offset, length) {
      if (offset < from || offset + length > from + piece.length) {
        from = offset;
        const most = Math.min(Math.max(PIECE, length), source.size - offset);
        piece = new Uint8Array(await source.read(offset, most));
      }
      return piece.subarray(offset - from, offset - from + length);
    },
  };
}

async function readRecord(bytes: Uint8Array, place: string): Promise<FoundRecord> {
  const files = new Map<string, Uint8Array>();
  let key = '';
  for await (const { path, offset, size } of tarEntries(bytesSource(bytes, place))) {
    const [own, extension] = keyOf(path) ?? [];
    if (own === undefined || extension === undefined) continue;
    if (files.has(extension)) {
      throw recordError('bad-record', place, 'each kind of file once', `two .${extension}`);
    }
    key = own;
    files.set(extension, bytes.subarray(offset, offset + size));
  }
  const picture = PICTURES.find((extension) => files.has(extension));
  const { id, captions } = describedBy(files, place);
  return { id: id ?? key, place, image: files.get(picture ?? ''), captions };
}

function describedBy(
  files: ReadonlyMap<string, Uint8Array>,
  place: string,
): { id?: string; captions: string[] } {
  const [txt, json] = [files.get('txt'), files.get('json')];
  // Beside a .txt, JSON may be anything: img2dataset writes NaN into it.
  const fields = json ? (fieldsOf(json, place, txt !== undefined) ?? {}) : {};
  const id = typeof fields.id === 'string' ? { id: fields.id } : {};
  const isList = Array.isArray(fields.captions);
  if (txt && !isList) return { ...id, captions: [textOf(txt, 'txt', place)] };
  const field = CAPTION_FIELDS.find((name) => Object.hasOwn(fields, name));
  return { ...id, captions: field === undefined ? [] : captionsOf(fields[field]) };
}

function textOf(bytes: Uint8Array, kind: string, place: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw recordError('bad-record', place, `UTF-8 in .${kind}`, 'other bytes', { cause });
  }
}

function fieldsOf(
  json: Uint8Array,
  place: string,
  isOptional: boolean,
): Record<string, unknown> | undefined {
  try {
    const fields: unknown = JSON.parse(textOf(json, 'json', place));
    return typeof fields === 'object' && fields !== null ? { ...fields } : undefined;
  } catch (cause) {
    if (isOptional) return undefined;
    if (cause instanceof DataError) throw cause;
    throw recordError('bad-record', place, 'JSON in .json', 'none', { cause });
  }
}
