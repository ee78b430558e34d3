import type { ByteSource, ReadableDirectory } from '@imglish/core';
import type { ModelProgress } from './options.js';

/** A directory that tells what is read from it. */
export function observedDirectory(
  directory: ReadableDirectory,
  tell: (progress: ModelProgress) => void,
): ReadableDirectory {
  const { name } = directory;
  return {
    name,
    async open(file: string): Promise<ByteSource> {
      const source = await directory.open(file);
      tell({ status: 'initiate', name, file });
      const total = source.size;
      let loaded = 0;
      return {
        name: source.name,
        size: total,
        ...(source.location === undefined ? {} : { location: source.location }),
        async read(offset, length) {
          const bytes = await source.read(offset, length);
          // What is read twice counts once it is all there, and no further.
          loaded = Math.min(total, loaded + length);
          const progress = total === 0 ? 100 : (100 * loaded) / total;
          tell({ status: 'progress', name, file, progress, loaded, total });
          return bytes;
        },
        async close() {
          await source.close?.();
          tell({ status: 'done', name, file });
        },
      };
    },
  };
}
