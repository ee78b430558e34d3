import { open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ByteSink } from '../bytes/bytes.js';
import { IoError } from '../errors/errors.js';
import { ioError } from './io-error.js';
import { isAlive } from './is-alive.js';

let sinks = 0;

/**
 * Writes a file beside its place, flushes it and renames it on `close`: readers see the old file or
 * the whole new one, also after a crash. What a killed process left of an earlier attempt at the
 * same file is removed. Rejects with `io/not-found` (no such folder), `io/write`, `io/closed`.
 */
export async function fileSink(path: string): Promise<ByteSink> {
  const folder = dirname(path);
  await removeAbandoned(folder, basename(path));
  const partial = join(folder, partialName(basename(path)));
  const failed = (error: unknown) => ioError('write', 'fileSink', path, error);
  const handle = await open(partial, 'wx').catch(failed);
  let isOpen = true;
  return {
    name: path,
    async write(bytes: Uint8Array): Promise<void> {
      if (!isOpen) closed(path);
      let done = 0;
      while (done < bytes.byteLength) {
        const count = Math.min(bytes.byteLength - done, 2 ** 30);
        const { bytesWritten } = await handle.write(bytes, done, count).catch(failed);
        done += bytesWritten;
      }
    },
    async flush(): Promise<void> {
      if (!isOpen) closed(path);
      await handle.sync().catch(failed);
    },
    async close(): Promise<void> {
      if (!isOpen) closed(path);
      isOpen = false;
      try {
        await handle.sync();
        await handle.close();
        await rename(partial, path);
        await syncFolder(folder);
      } catch (error) {
        await handle.close().catch(() => {});
        await rm(partial, { force: true });
        failed(error);
      }
    },
    async abort(): Promise<void> {
      if (!isOpen) return;
      isOpen = false;
      await handle.close();
      await rm(partial, { force: true });
    },
  };
}

/** Whether a name is that of a file still being written. */
export function isPartial(name: string): boolean {
  return PARTIAL.test(name);
}

/** Makes creations, renames and removals in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const PARTIAL = /^\.(.+)\.([^/]+)-(\d+)-\d+\.partial$/;

function partialName(name: string): string {
  return `.${name}.${hostname()}-${process.pid}-${sinks++}.partial`;
}

async function removeAbandoned(folder: string, name: string): Promise<void> {
  const names = await readdir(folder).catch((error) => ioError('write', 'fileSink', folder, error));
  for (const entry of names) {
    if (!entry.startsWith(`.${name}.${hostname()}-`)) continue;
    const [, , , pid] = PARTIAL.exec(entry) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, entry), { force: true });
  }
}

function closed(path: string): never {
  throw new IoError({
    code: 'io/closed',
    where: 'fileSink',
    expected: `an open sink for ${path}`,
    got: 'one that was closed or aborted',
  });
}
