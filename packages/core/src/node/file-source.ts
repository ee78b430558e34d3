import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ByteSource, checkRange } from '../bytes/bytes.js';
import { IoError } from '../errors/errors.js';
import { ioError } from './io-error.js';

/** Node reads at most 2³¹ - 1 bytes in one call. */
const MAX_READ_BYTES = 2 ** 30;

/**
 * Random access to a file of any size. `close` it when done. Rejects with an `IoError`:
 * `io/not-found`, `io/not-a-file`, `io/out-of-range` (also where the file shrank), `io/read`.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const where = 'fileSource';
  const handle = await open(path, 'r').catch((error) => ioError('read', where, path, error));
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw new IoError({ code: 'io/not-a-file', where, expected: `a file at ${path}`, got: 'none' });
  }
  const { size } = stat;
  return {
    name: path,
    location: resolve(path),
    size,
    async read(offset: number, length: number): Promise<Uint8Array> {
      checkRange('fileSource.read', path, size, offset, length);
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle
          .read(bytes, done, Math.min(length - done, MAX_READ_BYTES), offset + done)
          .catch((error) => ioError('read', 'fileSource.read', path, error));
        if (bytesRead === 0) checkRange('fileSource.read', path, offset + done, offset, length);
        done += bytesRead;
      }
      return bytes;
    },
    async close(): Promise<void> {
      await handle.close();
    },
  };
}
