import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  ConfigError,
  DataError,
  type Dataset,
  IoError,
  rejectUnknownKeys,
  type TextExample,
} from '@imglish/core';
import { checkIndex, concatDatasets } from '../dataset/dataset.js';
import { decodeUtf8 } from './read-text.js';

export interface TextFilesOptions {
  /** What one example is: a line (default), or lines up to a blank one, joined by spaces. */
  readonly unit?: 'line' | 'paragraph';
}

const NEWLINE = 10;

/**
 * Opens UTF-8 text files as examples of one line or paragraph each; blank lines are passed over.
 *
 * `paths` is a file, a folder (its `.txt` files, by name), or several of either. The files are
 * read through once to find where examples begin; afterwards only the examples asked for are read,
 * so a corpus may be larger than memory. The `id` of an example is `file name:line number`.
 *
 * @throws IoError `io/read`; DataError `data/empty` where there is no text at all; `get` throws
 * `data/not-utf8`.
 */
export async function openTextFiles(
  paths: string | readonly string[],
  options: TextFilesOptions = {},
): Promise<Dataset<TextExample>> {
  rejectUnknownKeys('openTextFiles', options, ['unit']);
  const unit = options.unit ?? 'line';
  if (unit !== 'line' && unit !== 'paragraph') {
    throw new ConfigError({
      code: 'config/option',
      where: 'openTextFiles',
      expected: "unit to be 'line' or 'paragraph'",
      got: String(unit),
    });
  }
  const files: string[] = [];
  for (const entry of typeof paths === 'string' ? [paths] : paths) {
    files.push(...(await textFilesOf(entry)));
  }
  const dataset = concatDatasets(
    ...(await Promise.all(files.map((file) => openTextFile(file, unit)))),
  );
  if (dataset.size === 0) {
    throw new DataError({
      code: 'data/empty',
      where: 'openTextFiles',
      expected: `text in ${[paths].flat().join(', ')}`,
      got: files.length === 0 ? 'no .txt file' : 'blank files',
    });
  }
  return dataset;
}

async function textFilesOf(entry: string): Promise<string[]> {
  const found = await attempt(entry, () => stat(entry));
  if (!found.isDirectory()) return [entry];
  const names = await attempt(entry, () => readdir(entry));
  return names
    .filter((name) => name.endsWith('.txt'))
    .sort()
    .map((name) => path.join(entry, name));
}

/** Where each example begins and ends (bytes) and the number of its first line. */
interface Spans {
  readonly begin: number[];
  readonly end: number[];
  readonly line: number[];
}

async function openTextFile(
  file: string,
  unit: 'line' | 'paragraph',
): Promise<Dataset<TextExample>> {
  const spans = await attempt(file, () => findSpans(file, unit));
  const name = path.basename(file);
  return {
    size: spans.begin.length,
    async get(index: number): Promise<TextExample> {
      checkIndex('openTextFiles.get', index, spans.begin.length);
      const begin = spans.begin[index]!;
      const bytes = new Uint8Array(spans.end[index]! - begin);
      const bytesRead = await attempt(file, async () => {
        const handle = await open(file);
        try {
          return (await handle.read(bytes, 0, bytes.length, begin)).bytesRead;
        } finally {
          await handle.close();
        }
      });
      if (bytesRead < bytes.length) {
        throw new IoError({
          code: 'io/out-of-range',
          where: 'openTextFiles.get',
          expected: `${bytes.length} bytes at ${begin} of ${file}`,
          got: String(bytesRead),
          fix: 'The file became shorter after it was opened: open it again.',
        });
      }
      const id = `${name}:${spans.line[index]}`;
      const text = decodeUtf8('openTextFiles.get', id, bytes);
      return {
        id,
        text: text
          .trim()
          .split(/\s*\n\s*/)
          .join(' '),
      };
    },
  };
}

async function findSpans(file: string, unit: 'line' | 'paragraph'): Promise<Spans> {
  const spans: Spans = { begin: [], end: [], line: [] };
  let position = 0;
  let line = 1;
  let lineBegin = 0;
  let blank = true;
  let open = false;
  const endLine = (end: number): void => {
    if (blank) {
      open = false;
    } else if (open && unit === 'paragraph') {
      spans.end[spans.end.length - 1] = end;
    } else {
      spans.begin.push(lineBegin);
      spans.end.push(end);
      spans.line.push(line);
      open = true;
    }
  };
  for await (const chunk of createReadStream(file) as AsyncIterable<Uint8Array>) {
    for (const byte of chunk) {
      position++;
      if (byte === NEWLINE) {
        endLine(position - 1);
        line++;
        lineBegin = position;
        blank = true;
      } else if (byte !== 32 && byte !== 9 && byte !== 13) {
        blank = false;
      }
    }
  }
  endLine(position);
  return spans;
}

async function attempt<T>(file: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new IoError({
      code: 'io/read',
      where: 'openTextFiles',
      expected: `a readable file or folder ${file}`,
      got: (cause as NodeJS.ErrnoException).code ?? String(cause),
      cause,
    });
  }
}
