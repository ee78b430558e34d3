import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type ByteSource, checkRange, type DataError } from '@imglish/core';
import { recordError } from '../../records/record-error.js';
import type { latestKept } from '../latest-kept.js';

/** What a compressed file holds. */
export interface Unpacked {
  readonly source: ByteSource;
  /** Why there is more than could be unpacked. */
  readonly damage: DataError | undefined;
}

/** Bytes that are read at once. */
const PIECE = 2 ** 20;

/**
 * The unpacked bytes of a gzip file, of several members too. There is no way into the middle of one:
 * it is unpacked whole, in memory, when it is opened and again when it is read and not kept any more.
 *
 * @throws DataError `data/shard-too-large` where they do not fit in `keepBytes`.
 */
export async function gzipSource(
  packed: ByteSource,
  keepBytes: number,
  kept: ReturnType<typeof latestKept<string, Uint8Array>>,
): Promise<Unpacked> {
  const { name } = packed;
  const { bytes, damage } = await unpack(packed, keepBytes);
  const size = bytes.length;
  await kept(name, size, async () => bytes);
  const source: ByteSource = {
    name,
    size,
    async read(offset, length) {
      checkRange('gzipSource.read', name, size, offset, length);
      const all = await kept(name, size, async () => (await unpack(packed, keepBytes)).bytes);
      return all.subarray(offset, offset + length);
    },
  };
  return { source, damage };
}

async function unpack(
  packed: ByteSource,
  keepBytes: number,
): Promise<{ bytes: Uint8Array; damage: DataError | undefined }> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const keep = new Writable({
    write(piece: Uint8Array, _, done) {
      size += piece.length;
      pieces.push(piece);
      if (size <= keepBytes) return done();
      const expected = `at most ${keepBytes} unpacked bytes`;
      const fix = 'Unpack the shard, write smaller ones, or raise keepBytes.';
      done(recordError('shard-too-large', packed.name, expected, 'more', { fix }));
    },
  });
  let damage: DataError | undefined;
  try {
    await pipeline(Readable.from(piecesOf(packed)), createGunzip(), keep);
  } catch (cause) {
    if (!String((cause as NodeJS.ErrnoException).code).startsWith('Z_')) throw cause;
    const got = `${(cause as Error).message} after ${size} bytes`;
    damage = recordError('bad-gzip', packed.name, 'a whole gzip file', got, {
      fix: 'Fetch the shard again.',
      cause,
    });
  }
  return { bytes: Buffer.concat(pieces), damage };
}

async function* piecesOf({ size, read }: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += PIECE) yield read(at, Math.min(PIECE, size - at));
}
