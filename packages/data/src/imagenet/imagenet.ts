import type { ClassificationExample } from '@imglish/core';
import type { DataFormat } from '../formats/format.js';
import { type DataFiles, joinPath } from '../records/files.js';
import { isPictureName } from '../records/pictures.js';
import { recordError } from '../records/record-error.js';

export interface ClassifiedImage {
  readonly id: string;
  readonly image: string;
  readonly label: number;
}

/**
 * `ROOT/train/<class>/…`, `ROOT/val/<class>/…`: ImageNet, and torchvision's `ImageFolder`.
 *
 * The classes are the folders of `train` (of the split itself where there is no `train`), numbered in
 * the order of their code points; pictures may lie in folders within them. The `id` of an example is
 * its path.
 *
 * Problems: `data/unknown-class` (a folder of the split that `train` has not), `data/empty-class`.
 */
export const imagenet: DataFormat<ClassifiedImage, ClassificationExample> = {
  name: 'imagenet',
  description: 'folders of pictures, one for each class',
  tasks: ['image-classification'],

  async isIn(files) {
    for (const split of ['train', 'val']) {
      if ((await foldersIn(files, split)).length > 0) return true;
    }
    return false;
  },

  async splits(files) {
    const found: string[] = [];
    for (const split of await foldersIn(files, '')) {
      if ((await foldersIn(files, split)).length > 0) found.push(split);
    }
    return found.sort((a, b) => Number(b === 'train') - Number(a === 'train'));
  },

  async labels({ files, split }) {
    const inTrain = await foldersIn(files, 'train');
    return inTrain.length > 0 ? inTrain : foldersIn(files, split);
  },

  async sources(of) {
    const folders = await foldersIn(of.files, of.split);
    return ['train', of.split, ...folders.map((name) => joinPath(of.split, name))];
  },

  async *records(of, onProblem) {
    const classes = await imagenet.labels!(of);
    const numbers = new Map(classes.map((name, label) => [name, label]));
    for (const name of await foldersIn(of.files, of.split)) {
      const folder = joinPath(of.split, name);
      const label = numbers.get(name);
      if (label === undefined) {
        const expected = `one of the ${classes.length} classes of ${joinPath(of.files.name, 'train')}`;
        onProblem(recordError('unknown-class', folder, expected, name));
        continue;
      }
      let count = 0;
      for await (const image of picturesIn(of.files, folder)) {
        count++;
        yield { id: image, image, label };
      }
      if (count === 0) {
        onProblem(recordError('empty-class', folder, 'at least one picture', 'none'));
      }
    }
  },

  async example({ id, image, label }, reader) {
    return { id, image: await reader.image(image, image), label };
  },
};

const folderName = (entry: string): string | undefined =>
  entry.endsWith('/') && !entry.startsWith('.') ? entry.slice(0, -1) : undefined;

async function foldersIn(files: DataFiles, folder: string): Promise<string[]> {
  return ((await files.list(folder)) ?? []).flatMap((entry) => folderName(entry) ?? []);
}

async function* picturesIn(files: DataFiles, folder: string): AsyncGenerator<string> {
  for (const entry of (await files.list(folder)) ?? []) {
    const inner = folderName(entry);
    if (inner) yield* picturesIn(files, joinPath(folder, inner));
    else if (isPictureName(entry) && !entry.startsWith('.')) yield joinPath(folder, entry);
  }
}
