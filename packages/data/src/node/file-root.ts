import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { IoError } from '@imglish/core';
import { byCodePoint, type DataFiles } from '../records/files.js';

/** Bytes of a file that are read at once. */
const PIECE = 2 ** 20;

/** The files of a folder on disk. Links are followed. */
export function fileRoot(root: string): DataFiles {
  return {
    name: root,
    async list(folder) {
      const at = path.join(root, folder);
      const entries = await readdir(at, { withFileTypes: true }).catch((error) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
        throw readError(at, error);
      });
      if (!entries) return undefined;
      const names: string[] = [];
      for (const entry of entries) {
        let isFolder = entry.isDirectory();
        if (entry.isSymbolicLink()) {
          const target = await stat(path.join(at, entry.name)).catch(() => undefined);
          if (!target) continue;
          isFolder = target.isDirectory();
        }
        names.push(isFolder ? `${entry.name}/` : entry.name);
      }
      return names.sort(byCodePoint);
    },
    async *read(file) {
      const at = path.join(root, file);
      try {
        yield* createReadStream(at, { highWaterMark: PIECE }) as AsyncIterable<Uint8Array>;
      } catch (error) {
        const failed = error as NodeJS.ErrnoException;
        throw failed.syscall === undefined ? error : readError(at, failed);
      }
    },
    async stamp(name) {
      const found = await stat(path.join(root, name)).catch(() => undefined);
      return found && `${found.size}:${found.mtimeMs}`;
    },
  };
}

function readError(at: string, cause: NodeJS.ErrnoException): IoError {
  return new IoError({
    code: cause.code === 'ENOENT' ? 'io/not-found' : 'io/read',
    where: 'fileRoot',
    expected: `to read ${at}`,
    got: cause.code ?? String(cause),
    cause,
  });
}
