import { describe, expect, it } from 'vitest';
import {
  dataFolder,
  expectProblem,
  expectRefusal,
  type FileTree,
  picture,
  readSplit,
} from '../../test/data-folder.js';
import { fileRoot } from '../node/file-root.js';
import { openTaskData } from '../node/open-task-data.js';
import { nlvr2 } from './nlvr2.js';

const statement = (id: string, more: object = {}) =>
  JSON.stringify({ identifier: id, sentence: `About ${id}.`, label: 'True', ...more });

const files = (more: FileTree = {}): FileTree => ({
  'data/train.json': `\uFEFF${statement('train-1-0-0', { directory: 7 })}\r\n\r\n${statement('train-1-0-1', { directory: 7, label: 'False' })}\r\n`,
  'images/train/7/train-1-0-img0.png': picture(1),
  'images/train/7/train-1-0-img1.png': picture(2),
  'data/dev.json': statement('dev-2-1-0'),
  'dev/dev-2-1-img0.png': picture(3),
  'dev/dev-2-1-img1.png': picture(4),
  ...more,
});
const open = (root: string, split: string) => openTaskData('visual-reasoning', root, split);

describe('nlvr2', () => {
  it('reads statements and both pictures, with a mark, CRLF and blank lines', async () => {
    const root = dataFolder(files());
    const train = await open(root, 'train');
    expect(train.size).toBe(2);
    const { images, ...example } = await train.get(1);
    expect(example).toEqual({ id: 'train-1-0-1', statement: 'About train-1-0-1.', label: false });
    expect(images.map(({ data }) => data[0])).toEqual([1, 2]);
    const val = await (await open(root, 'val')).get(0);
    expect([val.label, val.images[1].data[0]]).toEqual([true, 4]);
    expect(await nlvr2.splits(fileRoot(root), 'visual-reasoning')).toEqual(['train', 'val']);
    await expectRefusal(open(root, 'test'), 'no-split', 'dev, train');
  });

  it('looks into a clone of the official repository; a label may be kept secret', async () => {
    const root = dataFolder({
      'nlvr/nlvr2/data/test1.json': JSON.stringify({ identifier: 'test1-3-0-0', sentence: 'x' }),
      'test1/test1-3-0-img0.png': picture(3),
      'test1/test1-3-0-img1.png': picture(4),
    });
    expect(await (await open(root, 'test')).get(0)).not.toHaveProperty('label');
  });

  const bad: [what: string, code: string, says: string, line: string][] = [
    ['broken JSON', 'bad-json', 'identifier', '{"identifier": "dev'],
    ['a list', 'bad-record', '[1]', '[1]'],
    [
      'a sentence that is no text',
      'bad-record',
      '"sentence" to be a text, got 3',
      statement('dev-2-1-1', { sentence: 3 }),
    ],
    [
      'a label of another kind',
      'bad-record',
      '"True" or "False", got "yes"',
      statement('dev-2-1-1', { label: 'yes' }),
    ],
    ['an id again', 'duplicate-id', 'line 1', statement('dev-2-1-0')],
    ['a missing picture', 'missing-image', 'dev/dev-3-1-img0.png', statement('dev-3-1-0')],
    ['a path out of the folder', 'outside-folder', '..', statement('../../dev-3-1-0')],
  ];
  it.each(bad)('names the line of %s', async (_, code, says, line) => {
    const root = dataFolder(files({ 'data/dev.json': `${statement('dev-2-1-0')}\n${line}\n` }));
    const { records, problems } = await readSplit('nlvr2', root, 'val');
    expect(records).toHaveLength(1);
    expectProblem(problems, code, 'data/dev.json, line 2', says);
  });

  it('refuses bytes that are no UTF-8', async () => {
    const root = dataFolder(files({ 'data/dev.json': Uint8Array.of(0x7b, 0x0a, 0xff, 0x0a) }));
    await expectRefusal(open(root, 'val'), 'not-utf8', 'data/dev.json');
  });
});
