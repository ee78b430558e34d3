import { describe, expect, it } from 'vitest';
import {
  dataFolder,
  expectProblem,
  expectRefusal,
  picture,
  readSplit,
} from '../../test/data-folder.js';
import { fileRoot } from '../node/file-root.js';
import { openTaskData } from '../node/open-task-data.js';
import { cocoKarpathy } from './karpathy.js';

const entry = (id: number, split: string, folder = 'val2014', ...texts: string[]) => ({
  filepath: folder,
  sentids: [id],
  filename: `COCO_${folder}_${id}.png`,
  imgid: 100 + id,
  split,
  sentences: (texts.length ? texts : ['A caption.']).map((raw) => ({
    tokens: ['x'],
    raw,
    imgid: 0,
  })),
  cocoid: id,
});

const files = (...images: object[]) => ({
  'dataset_coco.json': { images, dataset: 'coco' },
  'train2014/COCO_train2014_1.png': picture(1),
  'val2014/COCO_val2014_2.png': picture(2),
  'val2014/COCO_val2014_3.png': picture(3),
  'val2014/COCO_val2014_4.png': picture(4),
});

describe('coco-karpathy', () => {
  it('counts restval as train, and reads other splits by name', async () => {
    const root = dataFolder(
      files(
        entry(1, 'train', 'train2014', ' One. ', 'Two.'),
        entry(2, 'test'),
        entry(3, 'restval'),
        entry(4, 'test-concepts'),
      ),
    );
    const train = await openTaskData('image-captioning', root, 'train');
    expect(train.size).toBe(2);
    const first = await train.get(0);
    expect([first.id, first.captions, first.image.data[0]]).toEqual(['1', [' One. ', 'Two.'], 1]);
    expect((await train.get(1)).id).toBe('3');
    const concepts = await openTaskData('image-text-retrieval', root, 'test-concepts');
    expect([concepts.size, (await concepts.get(0)).id]).toEqual([1, '4']);
    expect(await cocoKarpathy.splits(fileRoot(root), 'image-captioning')).toEqual([
      'train',
      'test',
      'test-concepts',
    ]);
    await expectRefusal(openTaskData('image-captioning', root, 'val'), 'no-split', 'test-concepts');
  });

  it('names what is wrong with a picture', async () => {
    const problems = async (...images: object[]) =>
      (await readSplit('coco-karpathy', dataFolder(files(entry(2, 'val'), ...images)), 'val'))
        .problems;
    const place = 'dataset_coco.json, images[1]';
    expectProblem(await problems(entry(2, 'val')), 'duplicate-id', place);
    expectProblem(
      await problems(entry(9, 'val')),
      'missing-image',
      place,
      'val2014/COCO_val2014_9.png',
    );
    expectProblem(await problems(entry(9, 'val', 'test2015')), 'missing-image', place, 'no folder');
    const { split, ...without } = entry(3, 'val');
    expectProblem(await problems(without), 'bad-record', place, '"split"');
    expectProblem(
      await problems({ ...entry(3, split), sentences: [{ raw: 3 }] }),
      'bad-record',
      `${place}.sentences[0]`,
      '"raw"',
    );
  });
});

describe('flickr30k', () => {
  it('reads pictures of its folder', async () => {
    const root = dataFolder({
      'dataset_flickr30k.json': {
        images: [
          {
            sentids: [0],
            imgid: 0,
            sentences: [{ raw: 'Two men.' }],
            split: 'train',
            filename: '10.png',
          },
        ],
      },
      'flickr30k-images/10.png': picture(10),
    });
    const data = await openTaskData('image-text-retrieval', root, 'train');
    expect(await data.get(0)).toMatchObject({ id: '0', captions: ['Two men.'] });
  });
});
