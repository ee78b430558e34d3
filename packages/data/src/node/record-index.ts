import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataError, type Dataset, ImglishError } from '@imglish/core';
import { fileSink } from '@imglish/core/node';
import { checkIndex } from '../dataset/dataset.js';
import type { DataFormat, SplitOf } from '../formats/format.js';

/** Folder of the index files, in the root of a data set. */
export const INDEX_FOLDER = '.imglish';

const VERSION = 1;
const BLOCK = 2 ** 22;
const NEWLINE = 10;

/** First line of an index: what it was made of. */
interface IndexHeader {
  readonly imglishIndex: number;
  readonly format: string;
  readonly split: string;
  /** A stamp of each source; where one differs, the index is stale. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Writes records down as they come; whole and visible once `close` resolves. */
export interface IndexWriter<R> {
  readonly file: string;
  write(record: R): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** Where the index of a split is. */
export function indexFile(root: string, format: DataFormat, { task, split }: SplitOf): string {
  const of = [format.name, ...(format.perTask ? [task] : []), encodeURIComponent(split)];
  return path.join(root, INDEX_FOLDER, `${of.join('.')}.jsonl`);
}

/** Begins an index: a header, then one record a line, written beside its place and renamed. */
export async function writeIndex<R>(
  root: string,
  format: DataFormat<R>,
  of: SplitOf,
): Promise<IndexWriter<R>> {
  const file = indexFile(root, format as DataFormat, of);
  await mkdir(path.dirname(file), { recursive: true });
  const sink = await fileSink(file);
  let lines = [JSON.stringify(await headerOf(format, of))];
  const flush = async (): Promise<void> => {
    await sink.write(new TextEncoder().encode(`${lines.join('\n')}\n`));
    lines = [];
  };
  return {
    file,
    async write(record: R): Promise<void> {
      lines.push(JSON.stringify(record));
      if (lines.length >= 4096) await flush();
    },
    async close(): Promise<void> {
      if (lines.length > 0) await flush();
      await sink.close();
    },
    abort: () => sink.abort(),
  };
}

async function headerOf<R>(format: DataFormat<R>, of: SplitOf): Promise<IndexHeader> {
  const sources: Record<string, string> = {};
  for (const source of await format.sources(of)) {
    const stamp = await of.files.stamp(source);
    if (stamp !== undefined) sources[source] = stamp;
  }
  return {
    imglishIndex: VERSION,
    format: format.name,
    split: of.split,
    sources,
  };
}

/**
 * The records of a split as they were written down: only where each line begins is kept in memory.
 * Undefined where there is no index, or the files it was made of have changed since.
 */
export async function readIndex<R>(
  root: string,
  format: DataFormat<R>,
  of: SplitOf,
): Promise<Dataset<R> | undefined> {
  const file = indexFile(root, format as DataFormat, of);
  if (!(await stat(file).catch(() => undefined))) return undefined;
  const starts = await lineStarts(file);
  const header = await readLine(file, starts, 0).catch((error) => {
    if (ImglishError.isInstance(error)) return undefined;
    throw error;
  });
  if (JSON.stringify(header) !== JSON.stringify(await headerOf(format, of))) return undefined;
  const size = starts.length - 2;
  return {
    size,
    async get(index: number): Promise<R> {
      checkIndex(`${format.name}.get`, index, size);
      return (await readLine(file, starts, index + 1)) as R;
    },
  };
}

/** Where each line of a file begins, and where the last one ends. */
async function lineStarts(file: string): Promise<Float64Array> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const starts: number[] = [0];
    const block = Buffer.allocUnsafe(BLOCK);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(block, 0, BLOCK, at);
      if (bytesRead === 0) break;
      const part = block.subarray(0, bytesRead);
      for (let i = part.indexOf(NEWLINE); i >= 0; i = part.indexOf(NEWLINE, i + 1)) {
        starts.push(at + i + 1);
      }
      at += bytesRead;
    }
    return Float64Array.from(starts);
  } finally {
    await handle.close();
  }
}

async function readLine(file: string, starts: Float64Array, line: number): Promise<unknown> {
  const begin = starts[line]!;
  const bytes = Buffer.alloc(Math.max(0, (starts[line + 1] ?? begin) - begin - 1));
  const handle = await open(file);
  try {
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, begin);
    if (bytesRead === bytes.length) return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  } finally {
    await handle.close();
  }
  throw new DataError({
    code: 'data/bad-index',
    where: `${file}, line ${line + 1}`,
    expected: 'a record as it was written',
    got: 'something else',
    fix: 'Remove the file and run imglish prepare again.',
  });
}
