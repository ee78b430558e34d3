import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addFiles, dataFolder, expectRefusal, picture } from '../../test/data-folder.js';
import { dataFormat } from '../formats/formats.js';
import { fileReader } from './file-reader.js';
import { fileRoot } from './file-root.js';
import { openTaskData } from './open-task-data.js';
import { indexFile, readIndex, writeIndex } from './record-index.js';

const captioned = () =>
  dataFolder({
    'captions.txt': 'a.png\tone\nb.png\ttwo\na.png\tuno\n',
    'a.png': picture(1),
    'b.png': picture(2),
  });

describe('openTaskData', () => {
  it('reads a captions file, all of it or split by a hash', async () => {
    const root = captioned();
    const all = await openTaskData('image-captioning', root, 'all');
    expect(await all.get(0)).toMatchObject({ id: 'a.png', captions: ['one', 'uno'] });
    const sizes = await Promise.all(
      ['train', 'val', 'test'].map((split) =>
        openTaskData('image-captioning', root, split).then(
          (d) => d.size,
          () => 0,
        ),
      ),
    );
    expect(sizes.reduce((a, b) => a + b)).toBe(all.size);
    await expectRefusal(openTaskData('image-captioning', root, 'dev'), 'no-split', 'all');
    addFiles(root, { 'captions.txt': 'a.png\tone\nb.png\ttwo\n./a.png\tone\n' });
    await expectRefusal(
      openTaskData('image-captioning', root, 'all'),
      'duplicate-caption',
      'line 3',
    );
  });

  it('says what it cannot open', async () => {
    const root = captioned();
    await expectRefusal(openTaskData('visual-reasoning', root, 'train'), 'no-format', 'nlvr2');
    const open = (options: object) => openTaskData('image-captioning', root, 'all', options);
    await expect(open({ format: 'vqa2' })).rejects.toMatchObject({
      code: 'config/unknown-format',
      message: expect.stringContaining('vqav2'),
    });
    await expect(open({ format: 'vqav2' })).rejects.toMatchObject({ code: 'config/option' });
    await expect(open({ fromat: 'vqav2' })).rejects.toMatchObject({ code: 'config/unknown-key' });
    await expect(open({ keepBytes: -1 })).rejects.toMatchObject({ code: 'config/option' });
  });
});

describe('an index', () => {
  const format = dataFormat('captions');
  const of = (root: string) =>
    ({ files: fileRoot(root), split: 'all', task: 'image-captioning' }) as const;
  const write = async (root: string, records: unknown[]) => {
    const index = await writeIndex(root, format, of(root));
    for (const record of records) await index.write(record);
    await index.close();
    return index.file;
  };
  const record = { id: 'b.png', image: 'b.png', captions: ['from the index, é\n'] };

  it('is read in place of the files until one of them changes', async () => {
    const root = captioned();
    await write(root, [record, record]);
    const data = await openTaskData('image-captioning', root, 'all');
    expect(data.size).toBe(2);
    expect(await data.get(1)).toMatchObject({ id: 'b.png', captions: record.captions });
    utimesSync(join(root, 'captions.txt'), 1, 1);
    expect((await (await openTaskData('image-captioning', root, 'all')).get(0)).id).toBe('a.png');
  });

  it('holds many records', async () => {
    const root = captioned();
    await write(
      root,
      Array.from({ length: 10_000 }, (_, i) => ({ i })),
    );
    const records = (await readIndex(root, format, of(root)))!;
    expect(records.size).toBe(10_000);
    for (const i of [0, 4095, 4096, 9999]) expect(await records.get(i)).toEqual({ i });
    await expectRefusal(records.get(10_000), 'index');
  });

  it('leaves nothing when it is given up, and refuses one that was tampered with', async () => {
    const root = captioned();
    const index = await writeIndex(root, format, of(root));
    await index.write(record);
    await index.abort();
    expect(await readIndex(root, format, of(root))).toBeUndefined();
    const file = await write(root, [record]);
    expect(file).toBe(indexFile(root, format, of(root)));
    writeFileSync(file, readFileSync(file, 'utf8').replace('"captions":[', '"captions":{'));
    const records = (await readIndex(root, format, of(root)))!;
    await expectRefusal(records.get(0), 'bad-index', 'line 2');
    writeFileSync(file, 'nonsense');
    expect((await openTaskData('image-captioning', root, 'all')).size).toBe(2);
  });
});

describe('fileReader', () => {
  const root = dataFolder({ 'a.png': picture(1), 'b.png': picture(2), 'c.png': picture(3) });
  const counting = (keepBytes: number) => {
    const decoded: number[] = [];
    const decode = async (bytes: Uint8Array) => {
      decoded.push(bytes.length);
      return { width: 1, height: 1, data: new Uint8Array(3) };
    };
    return { reader: fileReader(root, { decode, keepBytes }), decoded };
  };

  it('decodes a picture once while it is kept, even when asked twice at once', async () => {
    const { reader, decoded } = counting(6);
    const [first, second] = await Promise.all([
      reader.image('a.png', 'x'),
      reader.image('a.png', 'y'),
    ]);
    expect(first).toBe(second);
    await reader.image('b.png', 'x');
    await reader.image('a.png', 'x');
    expect(decoded).toHaveLength(2);
    // c takes the place of b, which was not used for longest.
    await reader.image('c.png', 'x');
    await reader.image('a.png', 'x');
    expect(decoded).toHaveLength(3);
    await reader.image('b.png', 'x');
    expect(decoded).toHaveLength(4);
  });

  it('keeps nothing where nothing may be kept, and no failure', async () => {
    const { reader, decoded } = counting(0);
    await reader.image('a.png', 'x');
    await reader.image('a.png', 'x');
    expect(decoded).toHaveLength(2);
    const kept = fileReader(root);
    await expectRefusal(kept.image('d.png', 'question 3'), 'missing-image', 'question 3');
    addFiles(root, { 'd.png': picture(4) });
    expect((await kept.image('d.png', 'x')).data[0]).toBe(4);
    rmSync(join(root, 'd.png'));
    expect((await kept.image('d.png', 'x')).data[0]).toBe(4);
  });
});
