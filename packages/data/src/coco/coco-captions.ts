import type { PairExample } from '@imglish/core';
import {
  type CaptionedImage,
  countCaptions,
  readCaptionedImage,
} from '../captions/captioned-image.js';
import type { DataFormat } from '../formats/format.js';
import { recordError } from '../records/record-error.js';
import { cocoFile, cocoImages, cocoSubsets } from './coco-files.js';

/**
 * COCO's captions in its own splits: `ROOT/annotations/captions_train2014.json`, pictures in
 * `ROOT/train2014`; `val2014` and other subsets likewise. Splits: `train`, `val`, others by name.
 *
 * Problems: those of `cocoImages`, `data/no-caption` (a picture without), `data/bad-record`.
 */
export const cocoCaptions: DataFormat<CaptionedImage, PairExample> = {
  name: 'coco-captions',
  description: "COCO's captions",
  tasks: ['image-captioning', 'image-text-retrieval'],
  isIn: async (files) => (await cocoSubsets(files, 'captions')).length > 0,
  splits: async (files) => (await cocoSubsets(files, 'captions')).map(({ split }) => split),

  async sources({ files, split }) {
    const { file, folder } = await cocoFile(files, 'captions', split);
    return [file, folder];
  },

  async *records({ files, split }, onProblem) {
    const { file, folder } = await cocoFile(files, 'captions', split);
    const parse = (annotation: { text(name: string): string }) => annotation.text('caption');
    for await (const entry of cocoImages(files, file, folder, parse, onProblem)) {
      const { id, image, fields, annotations } = entry;
      if (annotations.length > 0) yield { id, image, captions: annotations };
      else {
        const expected = `a caption of picture ${id}`;
        onProblem(recordError('no-caption', fields.place, expected, 'none'));
      }
    }
  },

  example: readCaptionedImage,
  count: countCaptions,
};
