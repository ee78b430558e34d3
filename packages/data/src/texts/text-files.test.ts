import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTextFiles } from './text-files.js';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'texts-'));
  await mkdir(path.join(dir, 'corpus'));
  await writeFile(path.join(dir, 'corpus', 'b.txt'), 'last line without newline');
  await writeFile(path.join(dir, 'corpus', 'a.txt'), '\uFEFFfirst\r\nsecond\r\n \t\r\n\r\n你好 \n');
  await writeFile(path.join(dir, 'corpus', 'c.md'), 'not a text file');
  await writeFile(path.join(dir, 'blank.txt'), '\n \n');
  await writeFile(path.join(dir, 'bad.txt'), Uint8Array.of(0x61, 0x0a, 0xff, 0x0a));
});
afterAll(() => rm(dir, { recursive: true }));

const all = async (...parameters: Parameters<typeof openTextFiles>) => {
  const dataset = await openTextFiles(...parameters);
  return Promise.all(Array.from({ length: dataset.size }, (_, index) => dataset.get(index)));
};

describe('openTextFiles', () => {
  it('reads the lines of a folder', async () => {
    expect(await all(path.join(dir, 'corpus'))).toEqual([
      { id: 'a.txt:1', text: 'first' },
      { id: 'a.txt:2', text: 'second' },
      { id: 'a.txt:5', text: '你好' },
      { id: 'b.txt:1', text: 'last line without newline' },
    ]);
  });

  it('reads paragraphs, and several paths', async () => {
    const paths = [path.join(dir, 'corpus', 'b.txt'), path.join(dir, 'corpus', 'a.txt')];
    expect(await all(paths, { unit: 'paragraph' })).toEqual([
      { id: 'b.txt:1', text: 'last line without newline' },
      { id: 'a.txt:1', text: 'first second' },
      { id: 'a.txt:5', text: '你好' },
    ]);
  });

  it('finds lines that cross the chunks of a long file', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `line number ${i}`);
    await writeFile(path.join(dir, 'long.txt'), lines.join('\n'));
    const dataset = await openTextFiles(path.join(dir, 'long.txt'));
    expect(dataset.size).toBe(20_000);
    for (const i of [0, 3854, 3855, 7777, 19_999]) {
      expect(await dataset.get(i)).toEqual({ id: `long.txt:${i + 1}`, text: lines[i] });
    }
  });

  it('refuses what is no text', async () => {
    await expect(openTextFiles(path.join(dir, 'none.txt'))).rejects.toMatchObject({
      code: 'io/read',
    });
    await expect(openTextFiles(path.join(dir, 'blank.txt'))).rejects.toMatchObject({
      code: 'data/empty',
    });
    await expect(openTextFiles([])).rejects.toMatchObject({ code: 'data/empty' });
    const word = 'word' as 'line';
    await expect(openTextFiles(dir, { unit: word })).rejects.toMatchObject({
      code: 'config/option',
    });
    const dataset = await openTextFiles(path.join(dir, 'bad.txt'));
    expect((await dataset.get(0)).text).toBe('a');
    await expect(dataset.get(1)).rejects.toMatchObject({ code: 'data/not-utf8' });
  });

  it('says when a file became shorter', async () => {
    const file = path.join(dir, 'shrinking.txt');
    await writeFile(file, 'one\ntwo\n');
    const dataset = await openTextFiles(file);
    await writeFile(file, 'one');
    await expect(dataset.get(1)).rejects.toMatchObject({ code: 'io/out-of-range' });
  });
});
