import type { BinaryMask, InstanceExample } from '@imglish/core';
import type { DataFormat } from '../formats/format.js';
import { type Fields, fieldsOf, uniqueIds } from '../records/fields.js';
import type { DataFiles } from '../records/files.js';
import { jsonElements } from '../records/json-elements.js';
import { recordError, shown } from '../records/record-error.js';
import { cocoFile, cocoImages, cocoSubsets } from './coco-files.js';
import { decodeRunLengths, maskOfPolygon, maskOfRunLengths, unionOfMasks } from './mask.js';

/** As COCO writes a mask: outlines, or run lengths, compressed or not. */
export type Segmentation =
  | readonly (readonly number[])[]
  | {
      readonly size: readonly [height: number, width: number];
      readonly counts: string | readonly number[];
    };

/** A thing in a picture before its mask is drawn. */
export interface ObjectRecord {
  readonly label: number;
  readonly box: readonly [left: number, top: number, width: number, height: number];
  readonly area: number;
  readonly crowd: boolean;
  readonly segmentation: Segmentation;
}

export interface ObjectsImage {
  readonly id: string;
  readonly image: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly ObjectRecord[];
}

interface Category {
  readonly id: number;
  readonly name: string;
}

/**
 * COCO's instances: `ROOT/annotations/instances_train2014.json`, pictures in `ROOT/train2014`; other
 * subsets and years likewise. Labels are the categories in the order of their ids (COCO's 80 have
 * ids up to 90). Pictures without things are examples too.
 *
 * Problems: those of `cocoImages`, `data/unknown-category`, `data/bad-box`, `data/bad-mask`.
 */
export const cocoInstances: DataFormat<ObjectsImage, InstanceExample> = {
  name: 'coco-instances',
  description: "COCO's instances: boxes and masks",
  tasks: ['object-detection'],
  isIn: async (files) => (await cocoSubsets(files, 'instances')).length > 0,
  splits: async (files) => (await cocoSubsets(files, 'instances')).map(({ split }) => split),

  async sources({ files, split }) {
    const { file, folder } = await cocoFile(files, 'instances', split);
    return [file, folder];
  },

  async labels({ files, split }) {
    const { file } = await cocoFile(files, 'instances', split);
    return (await categoriesOf(files, file)).map(({ name }) => name);
  },

  async *records({ files, split }, onProblem) {
    const { file, folder } = await cocoFile(files, 'instances', split);
    const categories = await categoriesOf(files, file);
    const labels = new Map(categories.map(({ id }, label) => [id, label]));
    const parse = (annotation: Fields) => objectOf(annotation, labels, file);
    for await (const entry of cocoImages(files, file, folder, parse, onProblem)) {
      const { id, image, fields, annotations } = entry;
      const [width, height] = [fields.integer('width'), fields.integer('height')];
      yield { id, image, width, height, objects: annotations };
    }
  },

  async example({ id, image, width, height, objects }, reader) {
    const place = `picture ${id}`;
    const pixels = await reader.image(image, place);
    if (pixels.width !== width || pixels.height !== height) {
      const got = `${pixels.width} × ${pixels.height}`;
      throw recordError('bad-image', place, `${image} to be ${width} × ${height}`, got);
    }
    return {
      id,
      image: pixels,
      objects: objects.map(({ segmentation, ...object }) => ({
        ...object,
        mask: drawMask(segmentation, width, height),
      })),
    };
  },

  count: ({ objects }) => ({
    objects: objects.length,
    crowds: objects.filter(({ crowd }) => crowd).length,
  }),
};

/** Draws a mask as COCO means it; throws a `DataError` `data/bad-mask`. */
export function drawMask(segmentation: Segmentation, width: number, height: number): BinaryMask {
  if (!('counts' in segmentation)) {
    return unionOfMasks(segmentation.map((outline) => maskOfPolygon(outline, width, height)));
  }
  const { counts, size } = segmentation;
  if (size[0] !== height || size[1] !== width) {
    const got = `${size[0]} × ${size[1]}`;
    throw recordError('bad-mask', 'drawMask', `run lengths of a mask ${height} × ${width}`, got);
  }
  return maskOfRunLengths({
    width,
    height,
    counts: typeof counts === 'string' ? decodeRunLengths(counts) : counts,
  });
}

async function categoriesOf(files: DataFiles, file: string): Promise<Category[]> {
  const categories: Category[] = [];
  const unique = uniqueIds();
  for await (const { value, place } of jsonElements(files.read(file), file, ['categories'])) {
    const fields = fieldsOf(value, place);
    const id = fields.integer('id');
    unique(String(id), place);
    categories.push({ id, name: fields.text('name') });
  }
  return categories.sort((a, b) => a.id - b.id);
}

function objectOf(fields: Fields, labels: ReadonlyMap<number, number>, file: string): ObjectRecord {
  const category = fields.integer('category_id');
  const label = labels.get(category);
  if (label === undefined) {
    const expected = `a category_id among the categories of ${file}`;
    throw recordError('unknown-category', fields.place, expected, String(category));
  }
  return {
    label,
    box: boxOf(fields, 'bbox'),
    area: fields.number('area'),
    crowd: fields.has('iscrowd') && fields.integer('iscrowd') === 1,
    segmentation: segmentationOf(fields, 'segmentation'),
  };
}

/** Four numbers, the last two above 0. */
export function boxOf(fields: Fields, name: string): ObjectRecord['box'] {
  const box = fields.list(name);
  const isBox =
    box.length === 4 &&
    box.every((n) => Number.isFinite(n)) &&
    box.every((n, i) => i < 2 || (n as number) > 0);
  if (!isBox) {
    const expected = `"${name}" to be [left, top, width, height], the last two above 0`;
    throw recordError('bad-box', fields.place, expected, shown(box));
  }
  return box as unknown as ObjectRecord['box'];
}

/** Outlines, or run lengths; whether they can be drawn shows when they are. */
export function segmentationOf(fields: Fields, name: string): Segmentation {
  const value = fields.raw(name);
  const areNumbers = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isFinite(n));
  if (Array.isArray(value)) {
    const areOutlines = value.every((o) => areNumbers(o) && o.length >= 6 && o.length % 2 === 0);
    if (value.length > 0 && areOutlines) return value;
  } else if (typeof value === 'object' && value !== null) {
    const { size, counts } = value as Record<string, unknown>;
    const isSize = areNumbers(size) && size.length === 2;
    if (isSize && (typeof counts === 'string' || areNumbers(counts))) {
      return { size: [size[0]!, size[1]!], counts };
    }
  }
  const expected = `"${name}" to be outlines [[x, y, …]] of at least three corners, or {"size", "counts"}`;
  throw recordError('bad-mask', fields.place, expected, shown(value));
}
