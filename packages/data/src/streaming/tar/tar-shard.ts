import { type ByteSource, bytesSource, DataError, type PairExample } from '@imglish/core';
import { checkIndex } from '../../dataset/dataset.js';
import { recordError } from '../../records/record-error.js';
import {
  CAPTION_FIELDS,
  type CaptionedBytes,
  captionsOf,
  type DecodeOption,
  decodeOf,
  decodeRecord,
} from '../captioned-record.js';
import type { Shard } from '../shard.js';
import { tarEntries } from './tar-entries.js';

export interface TarShardOptions extends DecodeOption {
  /** Most bytes of a record, so that a wrong size does not take all memory; default 64 MiB. */
  readonly maxRecordBytes?: number;
}

const PICTURES = ['jpg', 'jpeg', 'png', 'webp', 'gif'];
/** Bytes that are read at once while headers are looked for. */
const PIECE = 4096;

/**
 * A shard in WebDataset's form: neighbouring files of a tar archive whose paths agree up to the first
 * dot of the name are a record. `.jpg` (or `.jpeg`, `.png`, `.webp`, `.gif`) is its picture; `.txt` its
 * caption, or else the field `captions`, `caption` or `text` of `.json`. Other files are passed over.
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
  const decode = decodeOf('tarShard', options, ['maxRecordBytes']);
  const { maxRecordBytes = 2 ** 26 } = options;
  const { name } = source;
  const { begins, ends, damage } = await findRecords(source);
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
      return decodeRecord(await readRecord(await source.read(begin, length), place), decode);
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
    return { begins, ends };
  } catch (damage) {
    if (!(damage instanceof DataError)) throw damage;
    // The last record may lack files that were to follow.
    return { begins: begins.slice(0, -1), ends: ends.slice(0, -1), damage };
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

async function readRecord(bytes: Uint8Array, place: string): Promise<CaptionedBytes> {
  const files = new Map<string, Uint8Array>();
  let id = '';
  for await (const { path, offset, size } of tarEntries(bytesSource(bytes, place))) {
    const [key, extension] = keyOf(path) ?? [];
    if (key === undefined || extension === undefined) continue;
    if (files.has(extension)) {
      throw recordError('bad-record', place, 'each kind of file once', `two .${extension}`);
    }
    id = key;
    files.set(extension, bytes.subarray(offset, offset + size));
  }
  const picture = PICTURES.find((extension) => files.has(extension));
  return {
    id,
    place,
    image: picture === undefined ? undefined : files.get(picture),
    captions: captionsIn(files, place),
  };
}

function captionsIn(files: ReadonlyMap<string, Uint8Array>, place: string): string[] {
  const text = (bytes: Uint8Array, kind: string): string => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw recordError('bad-record', place, `UTF-8 in .${kind}`, 'other bytes', { cause });
    }
  };
  const txt = files.get('txt');
  if (txt) return [text(txt, 'txt')];
  const json = files.get('json');
  if (!json) return [];
  let fields: unknown;
  try {
    fields = JSON.parse(text(json, 'json'));
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw recordError('bad-record', place, 'JSON in .json', 'none', { cause });
  }
  if (typeof fields !== 'object' || fields === null) return [];
  const field = CAPTION_FIELDS.find((name) => Object.hasOwn(fields, name));
  return field === undefined ? [] : captionsOf((fields as Record<string, unknown>)[field]);
}
