import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ImglishError, type RgbImage } from '@imglish/core';
import { decodeAnyImage } from '@imglish/tokenizers/node';
import { checkCount } from '../dataset/dataset.js';
import type { FileReader } from '../formats/format.js';
import { recordError } from '../records/record-error.js';

export interface FileReaderOptions {
  /** Turns the bytes of an image file into pixels; by default `decodeAnyImage` of the tokenizers. */
  readonly decode?: (bytes: Uint8Array) => RgbImage | Promise<RgbImage>;
  /**
   * Bytes of decoded pictures that are kept because they may soon be asked for again, the latest used
   * ones; default 256 MiB, 0 for none.
   */
  readonly keepBytes?: number;
}

const DEFAULT_KEEP_BYTES = 2 ** 28;

/**
 * Reads and decodes the files of a folder. A picture that several examples ask for is decoded once
 * while it is kept; they share its bytes, which must not be written to.
 *
 * Errors: `DataError` `data/missing-image`, `data/bad-image`, naming the example.
 */
export function fileReader(root: string, options: FileReaderOptions = {}): FileReader {
  const { decode = decodeAnyImage, keepBytes = DEFAULT_KEEP_BYTES } = options;
  checkCount('fileReader', 'keepBytes', keepBytes);
  // A Map remembers the order of insertion: the first is the one that was not used for longest.
  const kept = new Map<string, { image: Promise<RgbImage>; bytes: number }>();
  let total = 0;

  const forget = (file: string): void => {
    total -= kept.get(file)?.bytes ?? 0;
    kept.delete(file);
  };
  const bytes = async (file: string, place: string): Promise<Uint8Array> => {
    try {
      return await readFile(path.join(root, file));
    } catch (cause) {
      throw recordError('missing-image', place, `a readable file ${file} in ${root}`, 'none', {
        cause,
      });
    }
  };
  const read = async (file: string, place: string): Promise<RgbImage> => {
    const encoded = await bytes(file, place);
    try {
      return await decode(encoded);
    } catch (cause) {
      const { got, fix } = ImglishError.isInstance(cause) ? cause : { got: String(cause) };
      throw recordError('bad-image', place, `an image in ${file}`, got, {
        cause,
        ...(fix !== undefined && { fix }),
      });
    }
  };
  return {
    bytes,
    async image(file, place) {
      const known = kept.get(file);
      if (known) {
        kept.delete(file);
        kept.set(file, known);
        return known.image;
      }
      const entry = { image: read(file, place), bytes: 0 };
      kept.set(file, entry);
      try {
        const image = await entry.image;
        if (kept.get(file) === entry) {
          entry.bytes = image.data.byteLength;
          total += entry.bytes;
        }
        for (const oldest of kept.keys()) {
          if (total <= keepBytes) break;
          forget(oldest);
        }
        return image;
      } catch (error) {
        if (kept.get(file) === entry) forget(file);
        throw error;
      }
    },
  };
}
