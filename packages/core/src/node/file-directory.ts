import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteSink, ByteSource } from '../bytes/bytes.js';
import { checkFileName, type Directory } from '../checkpoint/directory.js';
import { fileSink, isPartial, syncFolder } from './file-sink.js';
import { fileSource } from './file-source.js';
import { ioError } from './io-error.js';

/** A folder on disk as a `Directory`; it is made when the first file is created. */
export function fileDirectory(path: string): Directory {
  const failed = (error: unknown) => ioError('write', 'fileDirectory', path, error);
  return {
    name: path,
    async open(name: string): Promise<ByteSource> {
      checkFileName('fileDirectory.open', name);
      return fileSource(join(path, name));
    },
    async create(name: string): Promise<ByteSink> {
      checkFileName('fileDirectory.create', name);
      await mkdir(path, { recursive: true }).catch(failed);
      return fileSink(join(path, name));
    },
    async list(): Promise<string[]> {
      const entries = await readdir(path, { withFileTypes: true }).catch((error) =>
        ioError('read', 'fileDirectory.list', path, error),
      );
      const files = entries.filter((entry) => !entry.isDirectory() && !isPartial(entry.name));
      return files.map((entry) => entry.name).sort();
    },
    async remove(name: string): Promise<void> {
      checkFileName('fileDirectory.remove', name);
      await rm(join(path, name), { force: true }).catch(failed);
      await syncFolder(path).catch(failed);
    },
  };
}
