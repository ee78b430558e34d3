import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  addFiles,
  dataFolder,
  expectProblem,
  expectRefusal,
  picture,
  readSplit,
} from '../../test/data-folder.js';
import { openTaskData } from '../node/open-task-data.js';

const gray = (...values: number[]): Promise<Uint8Array> =>
  sharp(Uint8Array.from(values), { raw: { width: 3, height: 2, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();

const open = (root: string, split: string) => openTaskData('semantic-segmentation', root, split);

describe('ade20k', () => {
  it('keeps the values of the PNG as labels', async () => {
    const root = dataFolder({
      'images/training/ADE_train_1.png': picture(9),
      'annotations/training/ADE_train_1.png': await gray(0, 1, 2, 3, 150, 7),
    });
    const data = await open(root, 'train');
    expect([data.labels.length, data.labels[150]]).toEqual([151, '150']);
    const { id, segmentation } = await data.get(0);
    expect([id, ...segmentation.data]).toEqual(['ADE_train_1', 0, 1, 2, 3, 150, 7]);
    addFiles(root, {
      'objectInfo150.txt':
        'Idx\tRatio\tTrain\tVal\tName\n1\t.1\t2\t3\twall\n2\t.1\t2\t3\tbuilding, edifice\r\n',
    });
    expect((await open(root, 'train')).labels).toEqual(['none', 'wall', 'building, edifice']);
    addFiles(root, { 'objectInfo150.txt': 'Idx\tRatio\tTrain\tVal\tName\n2\t.1\t2\t3\twall\n' });
    await expectRefusal(open(root, 'train'), 'bad-record', 'objectInfo150.txt, line 2');
  });

  it('names pictures and maps without the other, and those of another size', async () => {
    const root = dataFolder({
      'images/validation/1.png': picture(9, 2, 2),
      'images/validation/2.png': picture(9),
      'annotations/validation/1.png': await gray(0, 1, 2, 3, 4, 5),
    });
    const { records, problems } = await readSplit('ade20k', root, 'val');
    expect(records).toHaveLength(1);
    expectProblem(problems, 'missing-annotation', 'images/validation/2.png');
    addFiles(root, {
      'annotations/validation/2.png': await gray(0, 0, 0, 0, 0, 0),
      'annotations/validation/3.png': await gray(0, 0, 0, 0, 0, 0),
    });
    expectProblem(
      (await readSplit('ade20k', root, 'val')).problems,
      'missing-image',
      'annotations/validation/3.png',
    );
    addFiles(root, { 'images/validation/3.png': picture(1) });
    await expectRefusal((await open(root, 'val')).get(0), 'bad-image', '2 × 2, got 3 × 2');
    await expectRefusal(open(root, 'train'), 'no-split', 'validation');
  });

  it('refuses colours for labels', async () => {
    const root = dataFolder({
      'images/training/1.png': picture(9),
      'annotations/training/1.png': picture(9),
    });
    const data = await open(root, 'train');
    await expect(data.get(0)).rejects.toMatchObject({ code: 'image/unsupported' });
  });
});
