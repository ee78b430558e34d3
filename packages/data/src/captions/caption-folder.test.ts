import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DataError } from '@imglish/core';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCaptionFolder } from './caption-folder.js';

let outer: string;
let dir: string;

const png = (red: number): Promise<Uint8Array> =>
  sharp({ create: { width: 2, height: 1, channels: 3, background: { r: red, g: 1, b: 2 } } })
    .png()
    .toBuffer();

beforeEach(async () => {
  outer = await mkdtemp(path.join(tmpdir(), 'captions-'));
  dir = path.join(outer, 'folder');
  await mkdir(path.join(dir, 'sub'), { recursive: true });
  await writeFile(path.join(dir, 'a.png'), await png(10));
  await writeFile(path.join(dir, 'sub', 'b.png'), await png(20));
  await writeFile(path.join(outer, 'secret.png'), await png(30));
});
afterEach(() => rm(outer, { recursive: true }));

const write = (name: string, ...lines: string[]): Promise<void> =>
  writeFile(path.join(dir, name), lines.join('\n'));

const refusal = async (): Promise<DataError> => {
  const error = await openCaptionFolder(dir).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  return error as DataError;
};

describe('openCaptionFolder', () => {
  const forms: Record<string, string[]> = {
    'captions.jsonl': [
      '{"image": "sub/b.png", "captions": ["one", " two, \\"2\\""]}',
      '',
      '{"image": "./a.png", "caption": "红", "licence": "MIT"}',
    ],
    'captions.csv': [
      'caption,image,more',
      'one,sub/b.png,x',
      '"two, ""2""",sub/b.png,x',
      '红,a.png,',
    ],
    'captions.tsv': [
      'image\tcaption',
      'sub/b.png\tone',
      'sub/b.png\t"two, ""2"""',
      'a.png\t红',
      '',
    ],
    'captions.txt': ['sub/b.png\tone\r', 'sub/b.png\ttwo, "2"\r', 'a.png\t红\r', ''],
  };
  for (const [name, lines] of Object.entries(forms)) {
    it(`reads ${name}`, async () => {
      await write(name, ...lines);
      const dataset = await openCaptionFolder(dir);
      expect(dataset.size).toBe(2);
      const [b, a] = [await dataset.get(0), await dataset.get(1)];
      expect(b).toMatchObject({ id: 'sub/b.png', captions: ['one', 'two, "2"'] });
      expect(a).toMatchObject({ id: 'a.png', captions: ['红'] });
      expect(a.image).toMatchObject({ width: 2, height: 1 });
      expect([...a.image.data]).toEqual([10, 1, 2, 10, 1, 2]);
      expect([...b.image.data]).toEqual([20, 1, 2, 20, 1, 2]);
      await expect(dataset.get(2)).rejects.toMatchObject({ code: 'data/index' });
    });
  }

  it('decodes with the function it is given', async () => {
    await write('mine.jsonl', '{"image": "a.png", "caption": "x"}');
    const image = { width: 1, height: 1, data: new Uint8Array(3) };
    const dataset = await openCaptionFolder(dir, {
      captionsFile: 'mine.jsonl',
      decode: () => image,
    });
    expect((await dataset.get(0)).image).toBe(image);
  });

  const good = '{"image": "a.png", "caption": "fine"}';
  const bad: [what: string, code: string, line: string, says: string][] = [
    ['JSON that is none', 'data/bad-json', '{"image": "a.png"', '{\\"image'],
    ['a line that is no object', 'data/bad-line', '3', '3'],
    ['a missing caption', 'data/bad-line', '{"image": "a.png"}', 'caption'],
    ['a caption that is no text', 'data/bad-line', '{"image": "a.png", "caption": 3}', '3'],
    ['caption and captions', 'data/bad-line', '{"image":"a.png","caption":"x","captions":[]}', 'x'],
    ['an empty caption', 'data/empty-caption', '{"image": "a.png", "caption": " "}', 'a.png'],
    ['no captions', 'data/empty-caption', '{"image": "a.png", "captions": []}', 'none'],
    ['an empty image', 'data/empty-image', '{"image": "", "caption": "x"}', 'path'],
    ['a missing image', 'data/missing-image', '{"image": "c.png", "caption": "x"}', 'c.png'],
    ['a folder as image', 'data/missing-image', '{"image": "sub", "caption": "x"}', 'sub'],
    ['the same caption again', 'data/duplicate-caption', good, 'fine'],
    [
      'a path out of the folder',
      'data/outside-folder',
      '{"image": "../secret.png", "caption": "x"}',
      '../secret.png',
    ],
  ];
  for (const [what, code, line, says] of bad) {
    it(`refuses ${what}, naming the line`, async () => {
      await write('captions.jsonl', good, '', line);
      const error = await refusal();
      expect(error.code).toBe(code);
      expect(error.message).toContain('captions.jsonl, line 3');
      expect(error.message).toContain(says);
    });
  }

  it('refuses an absolute path and a link that leads out of the folder', async () => {
    const secret = path.join(outer, 'secret.png');
    await write('captions.txt', `${secret}\tx`);
    expect((await refusal()).code).toBe('data/outside-folder');
    await symlink(secret, path.join(dir, 'link.png'));
    await write('captions.txt', 'link.png\tx');
    expect((await refusal()).code).toBe('data/outside-folder');
  });

  it('refuses tables that are none, naming the line', async () => {
    await write('captions.csv', 'image,caption', 'a.png,"two', 'lines"', 'a.png,one,two');
    let error = await refusal();
    expect(error.code).toBe('data/bad-csv');
    expect(error.message).toContain('line 4');
    await write('captions.csv', 'image,caption', 'a.png,"open');
    expect((await refusal()).code).toBe('data/bad-csv');
    await write('captions.csv', 'file,caption', 'a.png,x');
    error = await refusal();
    expect(error.message).toContain('line 1');
    expect(error.message).toContain('file, caption');
  });

  it('refuses a folder without captions', async () => {
    expect((await refusal()).code).toBe('data/no-captions-file');
    await write('captions.txt', '', '');
    expect((await refusal()).code).toBe('data/empty');
    await writeFile(path.join(dir, 'captions.txt'), Uint8Array.of(0xff, 0xfe, 0x41));
    expect((await refusal()).code).toBe('data/not-utf8');
    await expect(openCaptionFolder(path.join(outer, 'nowhere'))).rejects.toThrow('no such folder');
  });

  it('names the line of an image that cannot be decoded', async () => {
    await writeFile(path.join(dir, 'a.png'), 'no image');
    await write('captions.txt', 'sub/b.png\tx', 'a.png\tx');
    const dataset = await openCaptionFolder(dir);
    await expect(dataset.get(1)).rejects.toMatchObject({
      code: 'data/bad-image',
      where: 'captions.txt, line 2',
    });
    await rm(path.join(dir, 'a.png'));
    await expect(dataset.get(1)).rejects.toMatchObject({ code: 'data/missing-image' });
  });
});
