import { type ByteSource, DataError } from '@imglish/core';

/** A file in a tar archive. */
export interface TarEntry {
  readonly path: string;
  /** Where its headers begin, those of long names included. */
  readonly begin: number;
  /** Where its bytes are. */
  readonly offset: number;
  readonly size: number;
  /** Where the next entry may begin. */
  readonly end: number;
}

const BLOCK = 512;
/** Most bytes of a long name or of the extended fields of one entry. */
const MOST_EXTENDED = 2 ** 20;

/**
 * The files of a tar archive (POSIX ustar and pax, GNU long names, sizes in base 256), in order;
 * folders and links are passed over. Reads headers only. An archive may end without its two empty
 * blocks.
 *
 * @throws DataError `data/bad-tar` with the byte: a wrong checksum, a field that is no number, an
 * oversized or broken extended header, a sparse file; `data/cut-tar` where bytes are missing.
 */
export async function* tarEntries(source: ByteSource): AsyncGenerator<TarEntry> {
  let at = 0;
  let begin = 0;
  let extended: { path?: string; size?: number } = {};
  while (at < source.size) {
    const header = await read(source, at, BLOCK);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header, source, at);
    const type = String.fromCharCode(header[156]!);
    const describesNext = type === 'x' || type === 'L' || type === 'K';
    const own = describesNext ? undefined : extended.size;
    const size = own ?? numberField(header, 124, 136, source, at);
    const offset = at + BLOCK;
    const end = offset + Math.ceil(size / BLOCK) * BLOCK;
    // The padding of the last file may be missing, its bytes may not.
    if (offset + size > source.size) throw cut(source, at, size);
    if (describesNext) {
      if (size > MOST_EXTENDED) {
        throw bad(source, at, `extended headers of at most ${MOST_EXTENDED} bytes`, `${size}`);
      }
      const bytes = await read(source, offset, size);
      if (type === 'L') extended.path = text(bytes);
      if (type === 'x') extended = { ...extended, ...paxFields(bytes, source, at) };
    } else {
      if (type === 'S') throw bad(source, at, 'files without holes', 'a sparse file');
      if (type === '0' || type === '\0' || type === '7') {
        yield { path: extended.path ?? pathField(header), begin, offset, size, end };
      }
      begin = end;
      extended = {};
    }
    at = end;
  }
}

async function read(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  if (offset + length > source.size) throw cut(source, offset, length);
  return source.read(offset, length);
}

/** Until the first 0. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function pathField(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  // Old GNU headers have times where ustar has the prefix.
  const isPosix = text(header.subarray(257, 263)) === 'ustar';
  const prefix = isPosix ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function numberField(
  header: Uint8Array,
  from: number,
  to: number,
  source: ByteSource,
  at: number,
): number {
  const field = header.subarray(from, to);
  let value = 0;
  if (field[0]! & 0x80) {
    value = field[0]! & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
  } else {
    const digits = String.fromCharCode(...field)
      .replace(/[\0 ]+$/, '')
      .trimStart();
    value = /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
  }
  if (Number.isSafeInteger(value)) return value;
  throw bad(source, at, 'a number in the header', 'something else, or one that is too large');
}

/** The sum of all bytes of the header, its own field taken as spaces; some writers add signed bytes. */
function checkSum(header: Uint8Array, source: ByteSource, at: number): void {
  let unsigned = 8 * 32;
  let signed = unsigned;
  header.forEach((byte, i) => {
    if (i >= 148 && i < 156) return;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  });
  const expected = numberField(header, 148, 156, source, at);
  if (expected === unsigned || expected === signed) return;
  throw bad(source, at, `a header whose checksum is ${expected}`, String(unsigned));
}

/** `LENGTH KEY=VALUE\n`, again and again; LENGTH counts its own digits. */
function paxFields(
  bytes: Uint8Array,
  source: ByteSource,
  at: number,
): { path?: string; size?: number } {
  const fields: { path?: string; size?: number } = {};
  for (let i = 0; i < bytes.length && bytes[i] !== 0; ) {
    const space = bytes.indexOf(32, i);
    const length = Number(text(bytes.subarray(i, Math.max(i, space))));
    const valid = Number.isInteger(length) && length > space - i && i + length <= bytes.length;
    if (space < 0 || !valid || bytes[i + length - 1] !== 10) {
      throw bad(source, at, 'pax fields', 'a field of a wrong length');
    }
    const [, key, value] = /^([^=]*)=(.*)$/s.exec(
      new TextDecoder().decode(bytes.subarray(space + 1, i + length - 1)),
    ) ?? [undefined, '', ''];
    if (key === 'path') fields.path = value!;
    if (key === 'size') {
      if (!/^\d+$/.test(value!) || !Number.isSafeInteger(Number(value))) {
        throw bad(source, at, 'a number as pax size', JSON.stringify(value));
      }
      fields.size = Number(value);
    }
    if (key?.startsWith('GNU.sparse')) {
      throw bad(source, at, 'files without holes', 'a sparse file');
    }
    i += length;
  }
  return fields;
}

function bad(source: ByteSource, at: number, expected: string, got: string): DataError {
  const where = `${source.name}, byte ${at}`;
  return new DataError({ code: 'data/bad-tar', where, expected, got });
}

function cut(source: ByteSource, at: number, size: number): DataError {
  return new DataError({
    code: 'data/cut-tar',
    where: `${source.name}, byte ${at}`,
    expected: `${size} more bytes`,
    got: `the end of the file after ${source.size}`,
    fix: 'Fetch the shard again.',
  });
}
