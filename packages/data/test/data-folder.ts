import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DataError } from '@imglish/core';
import { encodePng } from '@imglish/tokenizers';
import { afterAll, expect } from 'vitest';
import type { DataTask } from '../src/formats/format.js';
import { dataFormat } from '../src/formats/formats.js';
import { fileRoot } from '../src/node/file-root.js';

/** The contents of files by path: a text, bytes, or JSON. */
export type FileTree = Readonly<Record<string, string | Uint8Array | object>>;

/** A folder with these files; it is removed after the tests of the file that asked for it. */
export function dataFolder(tree: FileTree): string {
  const root = mkdtempSync(join(tmpdir(), 'imglish-data-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  addFiles(root, tree);
  return root;
}

export function addFiles(root: string, tree: FileTree): void {
  for (const [path, content] of Object.entries(tree)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    const isBytes = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(file, isBytes ? content : JSON.stringify(content));
  }
}

/** A picture of one colour, as a PNG. */
export function picture(red: number, width = 3, height = 2): Uint8Array {
  const data = new Uint8Array(3 * width * height).fill(red);
  return encodePng({ width, height, data });
}

/** What a reader says about a split: its records, and the problems it found. */
export async function readSplit(
  format: string,
  root: string,
  split: string,
  task: DataTask = dataFormat(format).tasks[0]!,
): Promise<{ records: unknown[]; problems: string[] }> {
  const records: unknown[] = [];
  const problems: string[] = [];
  const of = { files: fileRoot(root), split, task };
  const note = (error: DataError) => problems.push(`${error.code} ${error.message}`);
  for await (const record of dataFormat(format).records(of, note)) records.push(record);
  return { records, problems };
}

/** Expects one problem, of a code and a place, that says a text. */
export function expectProblem(problems: string[], code: string, place: string, says = ''): void {
  expect(problems).toHaveLength(1);
  expect(problems[0]!.startsWith(`data/${code} ${place}`), problems[0]).toBe(true);
  expect(problems[0]).toContain(says);
}

/** Expects a promise to be refused with a `DataError` of a code that says a text. */
export async function expectRefusal(
  promise: Promise<unknown>,
  code: string,
  says = '',
): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  expect((error as DataError).code).toBe(`data/${code}`);
  expect((error as DataError).message).toContain(says);
}
