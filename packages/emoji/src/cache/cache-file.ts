import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { IoError } from '@imglish/core';

/** What a cache file holds: something JSON can say, and bytes. */
export interface CacheContent<H> {
  readonly header: H;
  readonly bytes: Uint8Array;
}

const LENGTH_BYTES = 4;

/**
 * Reads a cache file: gzip over the length of the header (uint32, little-endian), the header as
 * JSON, and the bytes. Gzip's checksum covers all of it.
 *
 * @returns undefined where there is no such file or it is damaged: a cache can be made again.
 */
export async function readCacheFile<H>(file: string): Promise<CacheContent<H> | undefined> {
  try {
    const content = await promisify(gunzip)(await readFile(file));
    const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const header = new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
    return {
      header: JSON.parse(header) as H,
      bytes: bytes.subarray(LENGTH_BYTES + length),
    };
  } catch {
    return undefined;
  }
}

/**
 * Writes a cache file beside its place and renames it there, so that no reader sees half of it.
 *
 * @throws IoError `io/cache` where the folder cannot be written.
 */
export async function writeCacheFile<H>(
  file: string,
  { header, bytes }: CacheContent<H>,
): Promise<void> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const content = new Uint8Array(LENGTH_BYTES + json.length + bytes.length);
  new DataView(content.buffer).setUint32(0, json.length, true);
  content.set(json, LENGTH_BYTES);
  content.set(bytes, LENGTH_BYTES + json.length);
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(temporary, await promisify(gzip)(content, { level: 3 }));
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new IoError({
      code: 'io/cache',
      where: 'writeCacheFile',
      expected: `a writable folder ${path.dirname(file)}`,
      got: (cause as NodeJS.ErrnoException).code ?? String(cause),
      fix: 'Name another folder with the option cacheDir.',
      cause,
    });
  }
}
