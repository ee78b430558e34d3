import { createHash } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ByteSource } from '@imglish/core';
import { fileSink, fileSource } from '@imglish/core/node';

/** What `manifest.json` says of a file. */
export interface FileSeal {
  bytes: number;
  sha256: string;
}

/** Bytes that are hashed at a time: what else this thread does must not wait for long. */
const PIECE = 2 ** 22;

/** Writes a file, durably and all or nothing; `write` gets the sink, which is closed here. */
export async function writeSealed(
  path: string,
  write: (put: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<FileSeal> {
  const sink = await fileSink(path);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    await write(async (all) => {
      for (let at = 0; at < all.byteLength; at += PIECE) {
        const piece = all.subarray(at, at + PIECE);
        hash.update(piece);
        await sink.write(piece);
      }
      bytes += all.byteLength;
    });
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Replaces a text file: after a crash at any moment it holds all of the old or all of the new. */
export async function writeText(path: string, text: string): Promise<FileSeal> {
  return writeSealed(path, (put) => put(new TextEncoder().encode(text)));
}

/** Size and SHA-256 of a file, read piece by piece. */
export async function sealOf(path: string): Promise<FileSeal> {
  const source: ByteSource = await fileSource(path);
  try {
    const hash = createHash('sha256');
    for (let at = 0; at < source.size; at += PIECE) {
      hash.update(await source.read(at, Math.min(PIECE, source.size - at)));
    }
    return { bytes: source.size, sha256: hash.digest('hex') };
  } finally {
    await source.close?.();
  }
}

/** Gives a complete folder its final name, durably. */
export async function publishFolder(from: string, to: string): Promise<void> {
  await rename(from, to);
  const parent = await open(dirname(to), 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}
