import { type ByteSink, type ByteSource, bytesSink, bytesSource } from '../bytes/bytes.js';
import { IoError } from '../errors/errors.js';
import { type HttpOptions, httpSource } from './http-source.js';

/** A folder of named files that can be read: on disk, behind a URL, in memory. */
export interface ReadableDirectory {
  /** For messages. */
  readonly name: string;
  /** Rejects with `io/not-found` where there is no such file. */
  open(name: string): Promise<ByteSource>;
}

/** A folder whose files can be replaced, each at once (see `ByteSink`). */
export interface Directory extends ReadableDirectory {
  create(name: string): Promise<ByteSink>;
  /** Names of the files in it, sorted. */
  list(): Promise<string[]>;
  /** Removes a file; nothing happens where there is none. */
  remove(name: string): Promise<void>;
}

/** A `Directory` in memory. */
export function memoryDirectory(name = 'memory'): Directory {
  const files = new Map<string, Uint8Array>();
  return {
    name,
    async open(file: string): Promise<ByteSource> {
      checkFileName('memoryDirectory.open', file);
      const bytes = files.get(file);
      if (bytes) return bytesSource(bytes, `${name}/${file}`);
      throw new IoError({
        code: 'io/not-found',
        where: 'memoryDirectory.open',
        expected: `a file ${file} in ${name}`,
        got: 'none',
      });
    },
    async create(file: string): Promise<ByteSink> {
      checkFileName('memoryDirectory.create', file);
      const sink = bytesSink(`${name}/${file}`);
      const close = async (): Promise<void> => {
        await sink.close();
        files.set(file, sink.bytes());
      };
      return { ...sink, close };
    },
    async list(): Promise<string[]> {
      return [...files.keys()].sort();
    },
    async remove(file: string): Promise<void> {
      files.delete(file);
    },
  };
}

/** A `ReadableDirectory` of the resources under a URL, e.g. a model in a hub or on a web server. */
export function httpDirectory(url: string | URL, options: HttpOptions = {}): ReadableDirectory {
  const name = String(url).replace(/\/?$/, '/');
  return {
    name,
    async open(file: string): Promise<ByteSource> {
      checkFileName('httpDirectory.open', file);
      return httpSource(new URL(encodeURIComponent(file), name), options);
    },
  };
}

/** Whether `name` names a file directly within a folder. */
export function isFileName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses.
  return /^(?!\.{0,2}$)[^/\\:\u0000-\u001f]{1,255}$/.test(name);
}

/** Throws `io/file-name` for a name that leads out of the folder, or is none. */
export function checkFileName(where: string, name: string): void {
  if (isFileName(name)) return;
  throw new IoError({
    code: 'io/file-name',
    where,
    expected: 'the plain name of a file in the folder',
    got: JSON.stringify(name.slice(0, 300)),
  });
}
