import { readFile } from 'node:fs/promises';
import { DataError, IoError } from '@imglish/core';

/** A whole UTF-8 file; throws an `IoError` (`io/read`) or a `DataError` (`data/not-utf8`). */
export async function readTextFile(where: string, file: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new IoError({
      code: 'io/read',
      where,
      expected: `a readable file ${file}`,
      got: (cause as NodeJS.ErrnoException).code ?? String(cause),
      cause,
    });
  }
  return decodeUtf8(where, file, bytes);
}

/** The text of UTF-8 bytes; throws a `DataError` (`data/not-utf8`) where they are none. */
export function decodeUtf8(where: string, name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError({
      code: 'data/not-utf8',
      where,
      expected: `UTF-8 text in ${name}`,
      got: 'bytes that are none',
      fix: 'Convert the file to UTF-8.',
      cause,
    });
  }
}
