import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  dataFolder,
  expectProblem,
  expectRefusal,
  type FileTree,
  picture,
  readSplit,
} from '../../test/data-folder.js';
import type { DataTask } from '../formats/format.js';
import { fileRoot } from '../node/file-root.js';
import { openTaskData } from '../node/open-task-data.js';
import { metadata } from './metadata.js';

const pictures: FileTree = { 'a.png': picture(1), 'in/b.png': picture(2) };
const lines = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

describe("one's own data", () => {
  it('reads classes from CSV with a mark, CRLF and quotes', async () => {
    const root = dataFolder({
      ...pictures,
      'metadata.csv':
        '\uFEFFimage,label,split\r\na.png,"dog, big",\r\n\r\nin/b.png,cat,train\r\n./a.png,cat,val\r\n',
    });
    const train = await openTaskData('image-classification', root, 'train');
    expect([train.size, train.labels]).toEqual([2, ['cat', 'dog, big']]);
    expect(await train.get(0)).toMatchObject({ id: 'a.png', label: 1 });
    const val = await openTaskData('image-classification', root, 'val');
    expect([val.labels, (await val.get(0)).label]).toEqual([['cat', 'dog, big'], 0]);
    expect(await metadata.splits(fileRoot(root), 'image-classification')).toEqual(['train', 'val']);
  });

  it('reads a folder for each split, and labels.txt', async () => {
    const root = dataFolder({
      'labels.txt': 'dog\ncat\n',
      'val/metadata.jsonl': lines({ file_name: 'x/c.png', label: 'cat', id: 7 }),
      'val/x/c.png': picture(3),
      'train/metadata.csv': 'image,label\nd.png,dog\n',
      'train/d.png': picture(4),
    });
    const val = await openTaskData('image-classification', root, 'val');
    const { image, ...example } = await val.get(0);
    expect([example, image.data[0]]).toEqual([{ id: '7', label: 1 }, 3]);
    expect((await (await openTaskData('image-classification', root, 'train')).get(0)).label).toBe(
      0,
    );
  });

  it('reads questions; one answer is what all ten say', async () => {
    const root = dataFolder({
      ...pictures,
      'metadata.jsonl': lines(
        { image: 'a.png', question: 'What?', answers: ['Cat', 'dog', 'dog'] },
        { image: 'a.png', question: 'How?', answer: 'so', kind: 'other', image_id: 3 },
        { image: 'in/b.png', question: 'Why?', split: 'test' },
      ),
    });
    const options = { normalizeAnswer: (answer: string) => answer };
    const data = await openTaskData('visual-question-answering', root, 'train', options);
    expect(data.labels).toEqual(['dog', 'so']);
    expect(await data.get(1)).toMatchObject({
      id: 'metadata.jsonl, line 2',
      imageId: '3',
      kind: 'other',
      answers: Array(10).fill('so'),
    });
    const some = { ...options, onlyAnswerable: true };
    expect((await openTaskData('visual-question-answering', root, 'train', some)).size).toBe(2);
    const test = await openTaskData('visual-question-answering', root, 'test', options);
    expect(await test.get(0)).not.toHaveProperty('answers');
  });

  it('reads statements, captions, objects and maps', async () => {
    const read = async <T extends DataTask>(task: T, row: object, more: FileTree = {}) => {
      const root = dataFolder({ ...pictures, ...more, 'metadata.jsonl': lines(row) });
      return openTaskData(task, root, 'train');
    };
    const statements = await read('visual-reasoning', {
      left: 'a.png',
      right: 'in/b.png',
      statement: 'x',
      label: false,
    });
    const { images, label } = await statements.get(0);
    expect([images.map(({ data }) => data[0]), label]).toEqual([[1, 2], false]);

    const captions = await read('image-text-retrieval', {
      image: 'a.png',
      captions: ['one', 'two'],
    });
    expect(await captions.get(0)).toMatchObject({ id: 'a.png', captions: ['one', 'two'] });

    const objects = [
      { label: 'dog', box: [1, 0, 2, 1] },
      {
        label: 'cat',
        box: [0, 0, 3, 2],
        crowd: true,
        segmentation: { size: [2, 3], counts: [4, 2] },
      },
    ];
    const things = await read('object-detection', { image: 'a.png', objects });
    expect(things.labels).toEqual(['cat', 'dog']);
    const found = (await things.get(0)).objects;
    expect(found.map((o) => [o.label, o.crowd, o.area, o.mask.data.join('')])).toEqual([
      [1, false, 2, '011000'],
      [0, true, 2, '001001'],
    ]);

    const map = await sharp(Uint8Array.of(0, 1, 2, 0, 1, 2), {
      raw: { width: 3, height: 2, channels: 1 },
    })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const row = { image: 'a.png', segmentation: 'map.png' };
    await expectRefusal(
      read('semantic-segmentation', row, { 'map.png': map }),
      'no-labels',
      'labels.txt',
    );
    const maps = await read('semantic-segmentation', row, {
      'map.png': map,
      'labels.txt': 'none\nsky\nsea',
    });
    expect([...(await maps.get(0)).segmentation.data]).toEqual([0, 1, 2, 0, 1, 2]);
    expect(maps.labels).toEqual(['none', 'sky', 'sea']);
  });

  const bad: [what: string, task: DataTask, code: string, says: string, row: object][] = [
    ['no label', 'image-classification', 'bad-record', '"label" to be an id', { image: 'a.png' }],
    ['no image', 'image-classification', 'bad-record', '"file_name"', { label: 'x' }],
    [
      'an image out of the folder',
      'image-classification',
      'outside-folder',
      '../x.png',
      { image: '../x.png', label: 'x' },
    ],
    [
      'an absolute image',
      'image-classification',
      'outside-folder',
      '/x.png',
      { image: '/x.png', label: 'x' },
    ],
    [
      'a missing image',
      'image-classification',
      'missing-image',
      'c.png',
      { image: 'c.png', label: 'x' },
    ],
    [
      'two forms of answers',
      'visual-question-answering',
      'bad-record',
      'both',
      { image: 'a.png', question: 'x', answer: 'y', answers: ['z'] },
    ],
    [
      'answers that are no texts',
      'visual-question-answering',
      'bad-record',
      '[3]',
      { image: 'a.png', question: 'x', answers: [3] },
    ],
    [
      'a truth that is none',
      'visual-reasoning',
      'bad-record',
      '"maybe"',
      { left: 'a.png', right: 'a.png', statement: 'x', label: 'maybe' },
    ],
    [
      'no captions',
      'image-captioning',
      'bad-record',
      'at least one caption',
      { image: 'a.png', captions: [] },
    ],
    [
      'a bad box',
      'object-detection',
      'bad-box',
      '[1,2]',
      { image: 'a.png', objects: [{ label: 'x', box: [1, 2] }] },
    ],
  ];
  it.each(bad)('names the line of %s', async (_, task, code, says, row) => {
    const good = {
      id: 'g',
      image: 'a.png',
      left: 'a.png',
      right: 'a.png',
      statement: 's',
      question: 'q',
      caption: 'c',
      label: task === 'visual-reasoning' ? true : 'x',
      objects: [],
    };
    const root = dataFolder({ ...pictures, 'metadata.jsonl': lines(good, row) });
    const { records, problems } = await readSplit('metadata', root, 'train', task);
    expect(records).toHaveLength(1);
    expectProblem(problems, code, 'metadata.jsonl, line 2', says);
  });

  it('names what is wrong with the file', async () => {
    const open = (tree: FileTree) =>
      openTaskData('image-captioning', dataFolder({ ...pictures, ...tree }), 'train');
    await expectRefusal(open({ 'metadata.csv': 'image,caption\na.png,"x' }), 'bad-csv', 'line');
    await expectRefusal(
      open({ 'metadata.csv': 'image,caption\na.png,x,y\n' }),
      'bad-csv',
      'line 2',
    );
    await expectRefusal(open({ 'metadata.jsonl': '{"image":\n' }), 'bad-json', 'line 1');
    await expectRefusal(
      open({ 'metadata.jsonl': '', 'metadata.csv': '' }),
      'ambiguous',
      'metadata.jsonl and metadata.csv',
    );
    const twice = lines({ image: 'a.png', caption: 'x' }, { image: './a.png', caption: 'y' });
    await expectRefusal(open({ 'metadata.jsonl': twice }), 'duplicate-id', 'line 2');
    const val = lines(
      { image: 'a.png', label: 'x' },
      { image: 'in/b.png', label: 'y', split: 'val' },
    );
    await expectRefusal(
      openTaskData(
        'image-classification',
        dataFolder({ ...pictures, 'metadata.jsonl': val }),
        'val',
      ),
      'unknown-class',
      '"y"',
    );
  });
});
