import { describe, expect, it } from 'vitest';
import {
  dataFolder,
  expectProblem,
  expectRefusal,
  picture,
  readSplit,
} from '../../test/data-folder.js';
import { openTaskData } from '../node/open-task-data.js';

const open = (root: string, split: string) => openTaskData('image-classification', root, split);

describe('imagenet', () => {
  const root = dataFolder({
    'train/b/1.png': picture(1),
    'train/a/deep/2.png': picture(2),
    'train/a/3.PNG': picture(3),
    'train/a/notes.txt': 'no picture',
    'train/B/4.png': picture(4),
    'val/b/5.png': picture(5),
    'val/.hidden/6.png': picture(6),
    'README.md': 'not data',
  });

  it('numbers classes by code point, for val as in train', async () => {
    const train = await open(root, 'train');
    expect(train.labels).toEqual(['B', 'a', 'b']);
    const examples = await Promise.all([0, 1, 2, 3].map((i) => train.get(i)));
    expect(examples.map(({ id, label }) => `${id} ${label}`)).toEqual([
      'train/B/4.png 0',
      'train/a/3.PNG 1',
      'train/a/deep/2.png 1',
      'train/b/1.png 2',
    ]);
    expect(examples.map(({ image }) => image.data[0])).toEqual([4, 3, 2, 1]);
    const val = await open(root, 'val');
    expect([val.size, val.labels, (await val.get(0)).label]).toEqual([1, ['B', 'a', 'b'], 2]);
  });

  it('joins splits', async () => {
    const both = await open(root, 'train+val');
    expect(both.size).toBe(5);
    expect((await both.get(4)).id).toBe('val/b/5.png');
  });

  it('names a class that train has not, an empty one, and a split that is not there', async () => {
    const bad = dataFolder({
      'train/a/1.png': picture(1),
      'train/empty/notes.txt': '',
      'val/z/1.png': picture(1),
    });
    expectProblem(
      (await readSplit('imagenet', bad, 'train')).problems,
      'empty-class',
      'train/empty',
    );
    expectProblem((await readSplit('imagenet', bad, 'val')).problems, 'unknown-class', 'val/z');
    await expectRefusal(open(root, 'test'), 'no-split', 'train, val');
  });

  it('names a picture that cannot be decoded or is gone', async () => {
    const broken = dataFolder({ 'train/a/1.png': 'no picture' });
    await expectRefusal((await open(broken, 'train')).get(0), 'bad-image', 'train/a/1.png');
  });
});
