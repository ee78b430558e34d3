import type { PairExample } from '@imglish/core';
import {
  type CaptionedImage,
  countCaptions,
  readCaptionedImage,
} from '../captions/captioned-image.js';
import type { DataFormat } from '../formats/format.js';
import { fieldsOf, uniqueIds } from '../records/fields.js';
import { hasFile, joinPath } from '../records/files.js';
import { jsonElements } from '../records/json-elements.js';
import { picturesOf } from '../records/pictures.js';
import { checked, ignoreProblem } from '../records/record-error.js';
import { rankOf } from '../records/subsets.js';

/** COCO's captions in Karpathy's split: `ROOT/dataset_coco.json`, pictures in `ROOT/train2014`, `ROOT/val2014`. */
export const cocoKarpathy: DataFormat<CaptionedImage, PairExample> = karpathy({
  name: 'coco-karpathy',
  description: "COCO's captions in Karpathy's split",
  file: 'dataset_coco.json',
  folder: '',
  id: 'cocoid',
});

/** Flickr30k in Karpathy's split: `ROOT/dataset_flickr30k.json`, pictures in `ROOT/flickr30k-images`. */
export const flickr30k: DataFormat<CaptionedImage, PairExample> = karpathy({
  name: 'flickr30k',
  description: "Flickr30k in Karpathy's split",
  file: 'dataset_flickr30k.json',
  folder: 'flickr30k-images',
  id: 'imgid',
});

interface KarpathyFile {
  readonly name: string;
  readonly description: string;
  readonly file: string;
  /** Where the pictures are that name no folder. */
  readonly folder: string;
  /** The field that tells pictures apart. */
  readonly id: string;
}

/**
 * One file says everything: `images: [{filepath?, filename, split, sentences: [{raw}]}]`. The split
 * `train` includes `restval`, as in the reference; other values of `split` are splits of their own.
 * One example a picture, with all its captions.
 *
 * Problems: `data/bad-record`, `data/duplicate-id`, `data/missing-image`.
 */
function karpathy({
  name,
  description,
  file,
  folder,
  id,
}: KarpathyFile): DataFormat<CaptionedImage, PairExample> {
  return {
    name,
    description,
    tasks: ['image-text-retrieval', 'image-captioning'],

    isIn: (files) => hasFile(files, file),

    async splits(files) {
      const found = new Set<string>();
      const splits = checked(
        jsonElements(files.read(file), file, ['images']),
        ({ value, place }) => fieldsOf(value, place).text('split'),
        ignoreProblem,
      );
      for await (const split of splits) found.add(split === 'restval' ? 'train' : split);
      return [...found].sort((a, b) => rankOf(a) - rankOf(b));
    },

    sources: async () => [file],

    async *records({ files, split }, onProblem) {
      const pictures = picturesOf(files);
      const unique = uniqueIds();
      yield* checked(
        jsonElements(files.read(file), file, ['images']),
        async ({ value, place }) => {
          const fields = fieldsOf(value, place);
          const own = fields.text('split');
          if (own !== split && !(own === 'restval' && split === 'train')) return undefined;
          const key = fields.id(id);
          unique(key, place);
          const inner = fields.has('filepath') ? fields.text('filepath') : folder;
          const captions = fields.objects('sentences').map((sentence) => sentence.text('raw'));
          const image = await pictures.require(joinPath(inner, fields.text('filename')), place);
          return { id: key, image, captions };
        },
        onProblem,
      );
    },

    example: readCaptionedImage,
    count: countCaptions,
  };
}
