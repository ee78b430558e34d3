import type { ByteSink } from '@imglish/core';
import { TAR_END, tarFile } from '../../tar/tar-file.js';
import type { ShardWriter, WrittenRecord } from './shard-writer.js';

/**
 * Records as WebDataset has them: `KEY.png`, `KEY.txt` with the first caption, for readers that want
 * one, and `KEY.json` with `id` and all `captions`.
 */
export function tarWriter(sink: ByteSink): ShardWriter {
  let size = TAR_END.length;
  return {
    sizeWith(record) {
      return filesOf(record).reduce((sum, file) => sum + file.length, size);
    },
    async add(record) {
      for (const file of filesOf(record)) {
        await sink.write(file);
        size += file.length;
      }
    },
    finish: () => sink.write(TAR_END),
  };
}

function filesOf({ key, id, captions, picture }: WrittenRecord): Uint8Array[] {
  const text = (extension: string, content: string): Uint8Array =>
    tarFile(`${key}.${extension}`, new TextEncoder().encode(content));
  return [
    tarFile(`${key}.${picture.extension}`, picture.bytes),
    text('txt', captions[0]!),
    text('json', JSON.stringify({ id, captions })),
  ];
}
