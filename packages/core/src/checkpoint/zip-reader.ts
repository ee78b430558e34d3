import type { ByteSource } from '../bytes/bytes.js';
import { quote, refuse } from './refuse.js';

/** A file within a zip archive. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Why its bytes cannot be read as they are: compression or encryption. */
  readonly packed: string | undefined;
  /** Where its local header begins. */
  readonly headerOffset: number;
}

const WHERE = 'readZip';
const END_BYTES = 22;
const END64_LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_COMMENT_BYTES = 0xffff;
const MAX_DIRECTORY_BYTES = 32 * 2 ** 20;
const MAX_ENTRIES = 200_000;

/**
 * Reads the directory of a zip archive (with zip64 records: files and offsets beyond 4 GiB) through
 * a few small reads at its end.
 */
export async function readZipDirectory(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const { offset, size, count } = await findDirectory(source);
  if (size > MAX_DIRECTORY_BYTES || count > MAX_ENTRIES || offset + size > source.size) {
    damaged(`a directory of ${count} entries, ${size} bytes at ${offset}`, source);
  }
  const view = viewOf(await source.read(offset, size));
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > size || view.getUint32(at, true) !== 0x02014b50) {
      damaged(`no entry ${i} at ${offset + at}`, source);
    }
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + CENTRAL_BYTES + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > size) damaged(`entry ${i} beyond the directory`, source);
    const entry = parseEntry(view, at, nameBytes, extraBytes, source);
    if (entries.has(entry.name)) damaged(`the entry ${quote(entry.name)} twice`, source);
    entries.set(entry.name, entry);
    at = next;
  }
  return entries;
}

/** Refuses compressed and encrypted entries (`checkpoint/zip-packed`): torch.save writes none. */
export function requireStored(source: ByteSource, entries: Iterable<ZipEntry>): void {
  for (const { name, packed } of entries) {
    if (!packed) continue;
    refuse(
      'zip-packed',
      WHERE,
      'entries stored as they are, as torch.save writes them',
      `${packed} of ${quote(name)} in ${source.name}`,
      'Unpack the archive and pack it again without compression (zip -0).',
    );
  }
}

/** Where the bytes of an entry begin: its local header has a name and padding of its own lengths. */
export async function zipDataOffset(source: ByteSource, entry: ZipEntry): Promise<number> {
  const header = viewOf(await source.read(entry.headerOffset, LOCAL_BYTES));
  if (header.getUint32(0, true) !== 0x04034b50) {
    damaged(`no header of ${quote(entry.name)} at ${entry.headerOffset}`, source);
  }
  const nameBytes = header.getUint16(26, true);
  const extraBytes = header.getUint16(28, true);
  return entry.headerOffset + LOCAL_BYTES + nameBytes + extraBytes;
}

interface Directory {
  offset: number;
  size: number;
  count: number;
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const tailBytes = Math.min(source.size, END_BYTES + MAX_COMMENT_BYTES + END64_LOCATOR_BYTES);
  const view = viewOf(await source.read(source.size - tailBytes, tailBytes));
  for (let at = tailBytes - END_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) !== 0x06054b50) continue;
    if (at + END_BYTES + view.getUint16(at + 20, true) !== tailBytes) continue;
    const locator = at - END64_LOCATOR_BYTES;
    if (locator >= 0 && view.getUint32(locator, true) === 0x07064b50) {
      return readEnd64(source, Number(view.getBigUint64(locator + 8, true)));
    }
    return {
      count: view.getUint16(at + 10, true),
      size: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
    };
  }
  return damaged('no directory at its end', source);
}

async function readEnd64(source: ByteSource, at: number): Promise<Directory> {
  if (at + END64_BYTES > source.size) damaged(`its zip64 end at ${at}`, source);
  const view = viewOf(await source.read(at, END64_BYTES));
  if (view.getUint32(0, true) !== 0x06064b50) damaged(`no zip64 end at ${at}`, source);
  return {
    count: Number(view.getBigUint64(32, true)),
    size: Number(view.getBigUint64(40, true)),
    offset: Number(view.getBigUint64(48, true)),
  };
}

function parseEntry(
  view: DataView,
  at: number,
  nameBytes: number,
  extraBytes: number,
  source: ByteSource,
): ZipEntry {
  const nameAt = view.byteOffset + at + CENTRAL_BYTES;
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, nameAt, nameBytes));
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  // Fields that overflow 32 bits stand in the zip64 extra field, in this order.
  const wide = zip64Fields(view, at + CENTRAL_BYTES + nameBytes, extraBytes);
  const field = (position: number): number => {
    const value = view.getUint32(at + position, true);
    return value === 0xffffffff ? (wide.shift() ?? value) : value;
  };
  const size = field(24);
  const stored = field(20);
  const headerOffset = field(42);
  const encrypted = (flags & 1) !== 0 ? 'encryption' : undefined;
  const packed = method === 0 ? encrypted : `compression method ${method}`;
  if ((!packed && stored !== size) || headerOffset + LOCAL_BYTES + stored > source.size) {
    damaged(`entry ${quote(name)} of ${size} bytes at ${headerOffset}`, source);
  }
  return { name, size, packed, headerOffset };
}

function zip64Fields(view: DataView, start: number, length: number): number[] {
  const end = start + length;
  let at = start;
  while (at + 4 <= end) {
    const id = view.getUint16(at, true);
    const bytes = view.getUint16(at + 2, true);
    at += 4;
    if (id === 1 && at + bytes <= end) {
      const read = (_: unknown, i: number) => Number(view.getBigUint64(at + 8 * i, true));
      return Array.from({ length: Math.floor(bytes / 8) }, read);
    }
    at += bytes;
  }
  return [];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(got: string, source: ByteSource): never {
  return refuse(
    'zip',
    WHERE,
    `a zip archive of ${source.size} bytes`,
    `${got} in ${source.name}`,
    'The file is truncated or damaged.',
  );
}
