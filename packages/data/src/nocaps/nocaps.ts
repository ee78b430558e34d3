import type { PairExample } from '@imglish/core';
import {
  type CaptionedImage,
  countCaptions,
  readCaptionedImage,
} from '../captions/captioned-image.js';
import { cocoImages } from '../coco/coco-files.js';
import type { DataFormat } from '../formats/format.js';
import { fieldsOf, uniqueIds } from '../records/fields.js';
import { hasFile, joinPath } from '../records/files.js';
import { jsonElements } from '../records/json-elements.js';
import { picturesOf } from '../records/pictures.js';
import { checked, recordError } from '../records/record-error.js';

const FILES: Readonly<Record<string, string>> = {
  val: 'nocaps_val_4500_captions.json',
  test: 'nocaps_test_image_info.json',
};

/**
 * NoCaps: `ROOT/nocaps_val_4500_captions.json` with pictures in `ROOT/val`, and
 * `ROOT/nocaps_test_image_info.json` with pictures in `ROOT/test`, whose captions are kept secret: its
 * examples have none. Problems: those of `cocoImages`.
 */
export const nocaps: DataFormat<CaptionedImage, PairExample> = {
  name: 'nocaps',
  description: 'NoCaps: captions of things that COCO has not',
  tasks: ['image-captioning'],

  async isIn(files) {
    return (await nocaps.splits(files, 'image-captioning')).length > 0;
  },

  async splits(files) {
    const found: string[] = [];
    for (const [split, file] of Object.entries(FILES)) {
      if (await hasFile(files, file)) found.push(split);
    }
    return found;
  },

  sources: async ({ files, split }) => [fileOf(files.name, split), split],

  async *records({ files, split }, onProblem) {
    const file = fileOf(files.name, split);
    if (split === 'val') {
      const parse = (annotation: { text(name: string): string }) => annotation.text('caption');
      for await (const entry of cocoImages(files, file, split, parse, onProblem)) {
        yield { id: entry.id, image: entry.image, captions: entry.annotations };
      }
      return;
    }
    const pictures = picturesOf(files);
    const unique = uniqueIds();
    yield* checked(
      jsonElements(files.read(file), file, ['images']),
      async ({ value, place }) => {
        const fields = fieldsOf(value, place);
        const id = fields.id('id');
        unique(id, place);
        const path = joinPath(split, fields.text('file_name'));
        return { id, image: await pictures.require(path, place), captions: [] };
      },
      onProblem,
    );
  },

  example: readCaptionedImage,
  count: countCaptions,
};

function fileOf(root: string, split: string): string {
  const file = FILES[split];
  if (file !== undefined) return file;
  throw recordError('no-split', root, `one of the splits ${Object.keys(FILES).join(', ')}`, split);
}
