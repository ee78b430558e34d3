import type { BinaryMask, ObjectInstance } from '@imglish/core';
import { readSegmentedImage, type SegmentedImage } from '../ade20k/ade20k.js';
import {
  boxOf,
  drawMask,
  type ObjectRecord,
  type Segmentation,
  segmentationOf,
} from '../coco/coco-instances.js';
import type { DataTask, FileReader } from '../formats/format.js';
import type { Fields } from '../records/fields.js';
import type { Pictures } from '../records/pictures.js';
import { recordError, shown } from '../records/record-error.js';

/** How a row of a metadata file becomes an example of one task. */
export interface TaskRow {
  readonly hasClasses: boolean;
  /** The labels that a row names. */
  labelsIn(fields: Fields): readonly string[];
  parse(
    fields: Fields,
    pictures: Pictures,
    labels: ReadonlyMap<string, number> | undefined,
  ): Promise<{ id: string; row: unknown }>;
  example(id: string, row: unknown, reader: FileReader): Promise<unknown>;
}

interface Row<R> {
  labelsIn?(fields: Fields): readonly string[];
  parse(
    fields: Fields,
    pictures: Pictures,
    labelOf: (name: string) => number,
  ): Promise<{ id: string; row: R }>;
  example(id: string, row: R, reader: FileReader): Promise<unknown>;
}

function taskRow<R>({ labelsIn, parse, example }: Row<R>): TaskRow {
  return {
    hasClasses: labelsIn !== undefined,
    labelsIn: labelsIn ?? (() => []),
    parse: (fields, pictures, labels) =>
      parse(fields, pictures, (name) => {
        const label = labels?.get(name);
        if (label !== undefined) return label;
        const expected = `one of the ${labels?.size ?? 0} labels`;
        throw recordError('unknown-class', fields.place, expected, JSON.stringify(name), {
          fix: 'Labels are those of labels.txt, or of the split train.',
        });
      }),
    example: (id, row, reader) => example(id, row as R, reader),
  };
}

const imageOf = (fields: Fields, pictures: Pictures): Promise<string> =>
  pictures.require(fields.text(fields.has('image') ? 'image' : 'file_name'), fields.place);

const idOr = (fields: Fields, otherwise: string): string =>
  fields.has('id') ? fields.id('id') : otherwise;

/** What most people answered; of as many, what was said first. */
export function majorityAnswer(fields: Fields): string | undefined {
  const counts = new Map<string, number>();
  for (const answer of answersOf(fields) ?? []) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** As many people as VQAv2 asks; a single `answer` is what all of them say. */
const PEOPLE = 10;

function answersOf(fields: Fields): readonly string[] | undefined {
  const one = fields.has('answer');
  const several = fields.has('answers');
  if (one && several) {
    throw recordError('bad-record', fields.place, '"answer" or "answers"', 'both');
  }
  if (one) return Array<string>(PEOPLE).fill(fields.text('answer'));
  if (!several) return undefined;
  const answers = fields.texts('answers');
  if (answers.length > 0) return answers;
  throw recordError('bad-record', fields.place, 'at least one answer', 'none');
}

const captioned: TaskRow = taskRow<{ image: string; captions: readonly string[] }>({
  async parse(fields, pictures) {
    const image = await imageOf(fields, pictures);
    const captions = fields.has('captions') ? fields.texts('captions') : [fields.text('caption')];
    if (captions.length === 0) {
      throw recordError('bad-record', fields.place, 'at least one caption', 'none');
    }
    return { id: idOr(fields, image), row: { image, captions } };
  },
  example: async (id, { image, captions }, reader) => ({
    id,
    image: await reader.image(image, id),
    captions,
  }),
});

interface ObjectRow extends Omit<ObjectRecord, 'segmentation' | 'area'> {
  readonly segmentation?: Segmentation;
}

function drawObject(object: ObjectRow, width: number, height: number): ObjectInstance {
  const { segmentation, ...rest } = object;
  const mask = segmentation
    ? drawMask(segmentation, width, height)
    : boxMask(object.box, width, height);
  return { ...rest, area: mask.data.reduce((sum, bit) => sum + bit, 0), mask };
}

function boxMask([left, top, w, h]: ObjectRow['box'], width: number, height: number): BinaryMask {
  const data = new Uint8Array(width * height);
  const [right, bottom] = [Math.min(width, left + w), Math.min(height, top + h)];
  for (let y = Math.max(0, Math.round(top)); y < Math.round(bottom); y++) {
    data.fill(1, y * width + Math.max(0, Math.round(left)), y * width + Math.round(right));
  }
  return { width, height, data };
}

/** How each task reads a row; see `metadata` for the fields. */
export const taskRows: Readonly<Record<DataTask, TaskRow>> = {
  'image-classification': taskRow<{ image: string; label: number }>({
    labelsIn: (fields) => [fields.id('label')],
    async parse(fields, pictures, labelOf) {
      const image = await imageOf(fields, pictures);
      return { id: idOr(fields, image), row: { image, label: labelOf(fields.id('label')) } };
    },
    example: async (id, { image, label }, reader) => ({
      id,
      image: await reader.image(image, id),
      label,
    }),
  }),

  'visual-question-answering': taskRow<{
    image: string;
    imageId: string;
    question: string;
    answers?: readonly string[];
    kind?: string;
  }>({
    async parse(fields, pictures) {
      const image = await imageOf(fields, pictures);
      const answers = answersOf(fields);
      const row = {
        image,
        imageId: fields.has('image_id') ? fields.id('image_id') : image,
        question: fields.text('question'),
        ...(answers && { answers }),
        ...(fields.has('kind') && { kind: fields.text('kind') }),
      };
      return { id: idOr(fields, fields.place), row };
    },
    example: async (id, { image, ...row }, reader) => ({
      id,
      ...row,
      image: await reader.image(image, id),
    }),
  }),

  'visual-reasoning': taskRow<{ left: string; right: string; statement: string; label?: boolean }>({
    async parse(fields, pictures) {
      const [left, right] = [fields.text('left'), fields.text('right')];
      const label = fields.has('label') ? truthOf(fields) : undefined;
      const row = {
        left: await pictures.require(left, fields.place),
        right: await pictures.require(right, fields.place),
        statement: fields.text('statement'),
        ...(label !== undefined && { label }),
      };
      return { id: idOr(fields, fields.place), row };
    },
    example: async (id, { left, right, ...row }, reader) => ({
      id,
      images: [await reader.image(left, id), await reader.image(right, id)],
      ...row,
    }),
  }),

  'image-captioning': captioned,
  'image-text-retrieval': captioned,

  'object-detection': taskRow<{ image: string; objects: readonly ObjectRow[] }>({
    labelsIn: (fields) => fields.objects('objects').map((object) => object.id('label')),
    async parse(fields, pictures, labelOf) {
      const image = await imageOf(fields, pictures);
      const objects = fields.objects('objects').map((object) => ({
        label: labelOf(object.id('label')),
        box: boxOf(object, 'box'),
        crowd: object.raw('crowd') === true,
        ...(object.has('segmentation') && {
          segmentation: segmentationOf(object, 'segmentation'),
        }),
      }));
      return { id: idOr(fields, image), row: { image, objects } };
    },
    async example(id, { image, objects }, reader) {
      const pixels = await reader.image(image, id);
      const { width, height } = pixels;
      return { id, image: pixels, objects: objects.map((o) => drawObject(o, width, height)) };
    },
  }),

  'semantic-segmentation': taskRow<SegmentedImage>({
    async parse(fields, pictures) {
      const image = await imageOf(fields, pictures);
      const segmentation = await pictures.require(fields.text('segmentation'), fields.place);
      const id = idOr(fields, image);
      return { id, row: { id, image, segmentation } };
    },
    example: (_, row, reader) => readSegmentedImage(row, reader),
  }),
};

function truthOf(fields: Fields): boolean {
  const value = fields.raw('label');
  const text = String(value).toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  throw recordError('bad-record', fields.place, '"label" to be true or false', shown(value));
}
