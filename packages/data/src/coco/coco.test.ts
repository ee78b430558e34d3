import { describe, expect, it } from 'vitest';
import {
  dataFolder,
  expectProblem,
  expectRefusal,
  type FileTree,
  picture,
  readSplit,
} from '../../test/data-folder.js';
import { openTaskData } from '../node/open-task-data.js';

const image = (id: number) => ({ id, file_name: `${id}.png`, width: 12, height: 10 });
const pictures: FileTree = {
  'train2014/1.png': picture(1, 12, 10),
  'train2014/2.png': picture(2, 12, 10),
};

describe('coco-captions', () => {
  const CAPTIONS = 'annotations/captions_train2014.json';
  const caption = (id: number, image_id: number, text: unknown) => ({
    id,
    image_id,
    caption: text,
  });
  const folder = (images: object[], annotations: object[]) =>
    dataFolder({ ...pictures, [CAPTIONS]: { annotations, images } });

  it('gathers the captions of each picture', async () => {
    const root = folder(
      [image(2), image(1)],
      [caption(10, 1, 'One.'), caption(11, 2, 'Two.'), caption(12, 1, 'Uno.')],
    );
    const data = await openTaskData('image-captioning', root, 'train');
    expect(data.size).toBe(2);
    expect(await data.get(1)).toMatchObject({ id: '1', captions: ['One.', 'Uno.'] });
    expect((await data.get(0)).image.data[0]).toBe(2);
  });

  it.each([
    [
      'a picture without',
      'no-caption',
      `${CAPTIONS}, images[1]`,
      [image(1), image(2)],
      [caption(1, 1, 'x')],
    ],
    [
      'a caption of no picture',
      'unknown-image',
      `${CAPTIONS}, annotations[1]`,
      [image(1)],
      [caption(1, 1, 'x'), caption(2, 3, 'y')],
    ],
    [
      'a caption that is no text',
      'bad-record',
      `${CAPTIONS}, annotations[1]`,
      [image(1)],
      [caption(1, 1, 'x'), caption(2, 1, 5)],
    ],
    [
      'an id again',
      'duplicate-id',
      `${CAPTIONS}, annotations[1]`,
      [image(1)],
      [caption(1, 1, 'x'), caption(1, 1, 'y')],
    ],
    [
      'a missing picture',
      'missing-image',
      `${CAPTIONS}, images[1]`,
      [image(1), image(3)],
      [caption(1, 1, 'x'), caption(2, 3, 'y')],
    ],
  ])('names %s', async (_, code, place, images, annotations) => {
    expectProblem(
      (await readSplit('coco-captions', folder(images, annotations), 'train')).problems,
      code,
      place,
    );
  });
});

describe('nocaps', () => {
  const root = dataFolder({
    'nocaps_val_4500_captions.json': {
      images: [{ id: 0, file_name: 'a.png', domain: 'out-domain' }],
      annotations: [{ id: 0, image_id: 0, caption: 'A thing.' }],
    },
    'nocaps_test_image_info.json': { images: [{ id: 5, file_name: 'b.png' }] },
    'val/a.png': picture(1),
    'test/b.png': picture(2),
  });
  it('reads captions of val and pictures of test', async () => {
    const val = await openTaskData('image-captioning', root, 'val');
    expect(await val.get(0)).toMatchObject({ id: '0', captions: ['A thing.'] });
    const test = await openTaskData('image-captioning', root, 'test');
    expect(await test.get(0)).toMatchObject({ id: '5', captions: [] });
    await expectRefusal(openTaskData('image-captioning', root, 'train'), 'no-split', 'val, test');
  });
});

describe('coco-instances', () => {
  const INSTANCES = 'annotations/instances_train2014.json';
  const box = [1, 2, 3, 4];
  const thing = (id: number, more: object = {}) => ({
    id,
    image_id: 1,
    category_id: 18,
    bbox: box,
    area: 7.5,
    iscrowd: 0,
    segmentation: [
      [0, 0, 4, 0, 4, 3, 0, 3],
      [6, 0, 8, 0, 8, 3, 6, 3],
    ],
    ...more,
  });
  const folder = (...annotations: object[]) =>
    dataFolder({
      ...pictures,
      [INSTANCES]: {
        images: [image(1), image(2)],
        annotations,
        categories: [
          { id: 18, name: 'dog' },
          { id: 3, name: 'car' },
        ],
      },
    });
  const open = (root: string) => openTaskData('object-detection', root, 'train');

  it('reads boxes, outlines and run lengths', async () => {
    const runs = { size: [10, 12], counts: 'h3' };
    const crowd = thing(2, {
      iscrowd: 1,
      category_id: 3,
      segmentation: { size: [10, 12], counts: [5, 5, 110] },
    });
    const data = await open(folder(thing(1), crowd, thing(3, { segmentation: runs })));
    expect([data.size, data.labels]).toEqual([2, ['car', 'dog']]);
    const { objects } = await data.get(0);
    expect(objects.map(({ label, crowd, area }) => [label, crowd, area])).toEqual([
      [1, false, 7.5],
      [0, true, 7.5],
      [1, false, 7.5],
    ]);
    expect(objects[0]!.box).toEqual(box);
    const ones = objects.map(({ mask }) => mask.data.reduce((sum, bit) => sum + bit, 0));
    expect(ones).toEqual([4 * 3 + 2 * 3, 5, 0]);
    // Down the first column: pixels 5 to 9.
    expect(objects[1]!.mask.data[5 * 12]).toBe(1);
    expect((await data.get(1)).objects).toEqual([]);
  });

  it.each([
    ['a category that is not there', 'unknown-category', thing(2, { category_id: 1 }), '1'],
    ['a box that is none', 'bad-box', thing(2, { bbox: [1, 2, 0, 4] }), '[1,2,0,4]'],
    [
      'an outline of two corners',
      'bad-mask',
      thing(2, { segmentation: [[1, 2, 3, 4]] }),
      '[[1,2,3,4]]',
    ],
    ['a mask that is none', 'bad-mask', thing(2, { segmentation: { counts: 3 } }), '"counts"'],
    [
      'a text for the area',
      'bad-record',
      thing(2, { area: '7' }),
      '"area" to be a number, got "7"',
    ],
  ])('names %s', async (_, code, annotation, says) => {
    const { problems } = await readSplit('coco-instances', folder(thing(1), annotation), 'train');
    expectProblem(problems, code, `${INSTANCES}, annotations[1]`, says);
  });

  it('refuses run lengths and pictures of another size', async () => {
    const other = folder(thing(1, { segmentation: { size: [12, 10], counts: 'h3' } }));
    await expectRefusal((await open(other)).get(0), 'bad-mask', '10 × 12, got 12 × 10');
    const root = dataFolder({
      [INSTANCES]: {
        images: [image(1)],
        annotations: [thing(1)],
        categories: [{ id: 18, name: 'dog' }],
      },
      'train2014/1.png': picture(1),
    });
    await expectRefusal((await open(root)).get(0), 'bad-image', '12 × 10, got 3 × 2');
  });
});
