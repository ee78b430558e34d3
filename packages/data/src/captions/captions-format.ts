import type { PairExample } from '@imglish/core';
import { defaultShares, splitOf } from '../dataset/split.js';
import type { DataFormat } from '../formats/format.js';
import { type DataFiles, hasFile } from '../records/files.js';
import { picturesOf } from '../records/pictures.js';
import { checked, recordError } from '../records/record-error.js';
import { textLines } from '../records/text-lines.js';
import { type CaptionedImage, countCaptions, readCaptionedImage } from './captioned-image.js';
import { type CaptionRecord, captionFileNames, parseCaptions } from './parse-captions.js';

/** The splits of `defaultShares` by the names that other formats use. */
const SPLITS: Readonly<Record<string, keyof typeof defaultShares>> = {
  train: 'train',
  val: 'validation',
  test: 'test',
};
const ALL = 'all';

/**
 * A folder of pictures with a captions file (see `parseCaptions`), as `openCaptionFolder` reads it.
 * The splits `train`, `val` and `test` are eight, one and one parts of ten by a hash of the picture's
 * path; `all` is everything. Problems: those of `parseCaptions`, `data/missing-image`,
 * `data/outside-folder`, `data/duplicate-caption`.
 */
export const captions: DataFormat<CaptionedImage, PairExample> = {
  name: 'captions',
  description: 'pictures and captions.jsonl, .csv, .tsv or .txt',
  tasks: ['image-captioning', 'image-text-retrieval'],
  isIn: async (files) => (await fileIn(files)) !== undefined,
  splits: async (files) => ((await fileIn(files)) ? [...Object.keys(SPLITS), ALL] : []),
  sources: async ({ files }) => [(await fileIn(files)) ?? ''],

  async *records({ files, split }, onProblem) {
    if (split !== ALL && !Object.hasOwn(SPLITS, split)) {
      const expected = `one of the splits ${[...Object.keys(SPLITS), ALL].join(', ')}`;
      throw recordError('no-split', files.name, expected, split);
    }
    const file = (await fileIn(files))!;
    const pictures = picturesOf(files);
    const images = new Map<string, string[]>();
    const read = checked(
      recordsIn(files, file),
      async ({ line, image, captions }) => {
        const place = `${file}, line ${line}`;
        const id = await pictures.require(image, place);
        const known = images.get(id);
        const again = captions.find((caption) => known?.includes(caption));
        if (again !== undefined) {
          const got = `${JSON.stringify(again)} again`;
          throw recordError('duplicate-caption', place, `each caption of ${id} once`, got);
        }
        return { id, captions };
      },
      onProblem,
    );
    for await (const { id, captions } of read) {
      const known = images.get(id);
      if (known) known.push(...captions);
      else images.set(id, [...captions]);
    }
    for (const [image, captions] of images) {
      const isIn = split === ALL || splitOf(image, defaultShares) === SPLITS[split];
      if (isIn) yield { id: image, image, captions };
    }
  },

  example: readCaptionedImage,
  count: countCaptions,
};

async function fileIn(files: DataFiles): Promise<string | undefined> {
  for (const name of captionFileNames) {
    if (await hasFile(files, name)) return name;
  }
  return undefined;
}

async function* recordsIn(files: DataFiles, file: string): AsyncGenerator<CaptionRecord> {
  let text = '';
  let line = 1;
  for await (const next of textLines(files.read(file), file)) {
    text += '\n'.repeat(next.line - line) + next.text;
    line = next.line;
  }
  yield* parseCaptions(text, file);
}
