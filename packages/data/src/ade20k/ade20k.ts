import type { SegmentationExample } from '@imglish/core';
import { decodePngLabels } from '@imglish/tokenizers';
import type { DataFormat, FileReader } from '../formats/format.js';
import { type DataFiles, hasFile, joinPath } from '../records/files.js';
import { isPictureName } from '../records/pictures.js';
import { recordError } from '../records/record-error.js';
import { rankOf } from '../records/subsets.js';
import { textLines } from '../records/text-lines.js';

export interface SegmentedImage {
  readonly id: string;
  readonly image: string;
  readonly segmentation: string;
}

const IMAGES = 'images';
const MAPS = 'annotations';
const NAMES: Readonly<Record<string, string>> = { training: 'train', validation: 'val' };
const CLASSES = 'objectInfo150.txt';

/**
 * ADE20K's scene parsing benchmark: `ROOT/images/training/ADE_train_00000001.jpg` and, of the same
 * name, `ROOT/annotations/training/ADE_train_00000001.png`, whose gray values (or palette indices)
 * are the labels: 0 for what has none, then the 150 classes of `ROOT/objectInfo150.txt`.
 *
 * Splits: `train` (training), `val` (validation), other folders by their names. Without
 * `objectInfo150.txt` the labels are named by their numbers.
 *
 * Problems: `data/missing-annotation`, `data/missing-image` (a map without a picture).
 */
export const ade20k: DataFormat<SegmentedImage, SegmentationExample> = {
  name: 'ade20k',
  description: 'ADE20K: a label for each pixel',
  tasks: ['semantic-segmentation'],

  async isIn(files) {
    return (await ade20k.splits(files, 'semantic-segmentation')).length > 0;
  },

  async splits(files) {
    const maps = (await files.list(MAPS)) ?? [];
    return maps
      .flatMap((entry) => (entry.endsWith('/') ? [entry.slice(0, -1)] : []))
      .map((name) => NAMES[name] ?? name)
      .sort((a, b) => rankOf(a) - rankOf(b));
  },

  async labels({ files }) {
    if (!(await hasFile(files, CLASSES))) return Array.from({ length: 151 }, (_, i) => String(i));
    const labels = ['none'];
    for await (const { line, text } of textLines(files.read(CLASSES), CLASSES)) {
      if (line === 1) continue;
      const [number, , , , name] = text.split('\t').map((field) => field.trim());
      if (Number(number) !== labels.length || !name) {
        const expected = `number ${labels.length}, three more fields and a name, separated by tabs`;
        throw recordError('bad-record', `${CLASSES}, line ${line}`, expected, text);
      }
      labels.push(name);
    }
    return labels;
  },

  async sources(of) {
    const folder = await folderOf(of.files, of.split);
    return [joinPath(IMAGES, folder), joinPath(MAPS, folder), CLASSES];
  },

  async *records({ files, split }, onProblem) {
    const folder = await folderOf(files, split);
    const pictures = joinPath(IMAGES, folder);
    const maps = new Set(await files.list(joinPath(MAPS, folder)));
    for (const name of (await files.list(pictures)) ?? []) {
      if (!isPictureName(name)) continue;
      const id = name.slice(0, name.lastIndexOf('.'));
      const map = `${id}.png`;
      const image = joinPath(pictures, name);
      if (maps.delete(map)) yield { id, image, segmentation: joinPath(MAPS, folder, map) };
      else {
        const expected = `the labels ${joinPath(MAPS, folder, map)}`;
        onProblem(recordError('missing-annotation', image, expected, 'none'));
      }
    }
    for (const map of maps) {
      const place = joinPath(MAPS, folder, map);
      if (!map.endsWith('.png')) continue;
      const expected = `a picture of that name in ${pictures}`;
      onProblem(recordError('missing-image', place, expected, 'none'));
    }
  },

  example: readSegmentedImage,
};

/** Reads a picture and its labels; both must be of one size. */
export async function readSegmentedImage(
  { id, image, segmentation }: SegmentedImage,
  reader: FileReader,
): Promise<SegmentationExample> {
  const pixels = await reader.image(image, id);
  const labels = decodePngLabels(await reader.bytes(segmentation, id));
  if (labels.width !== pixels.width || labels.height !== pixels.height) {
    const expected = `labels of the size of the picture, ${pixels.width} × ${pixels.height}`;
    throw recordError('bad-image', segmentation, expected, `${labels.width} × ${labels.height}`);
  }
  return { id, image: pixels, segmentation: labels };
}

async function folderOf(files: DataFiles, split: string): Promise<string> {
  const names = (await files.list(MAPS)) ?? [];
  const name =
    Object.keys(NAMES).find((n) => NAMES[n] === split && names.includes(`${n}/`)) ?? split;
  if (names.includes(`${name}/`)) return name;
  throw recordError(
    'no-split',
    files.name,
    `a folder ${joinPath(MAPS, name)}`,
    names.join(', ') || 'none',
  );
}
