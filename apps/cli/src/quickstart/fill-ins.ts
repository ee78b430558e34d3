import { type Dataset, draw, type PairExample, patchGrid, type RgbImage } from '@imglish/core';
import {
  blockMask,
  type FilledImage,
  type FillingModel,
  fillImage,
  fillText,
  maskedPatchCount,
  type WordGuess,
} from '@imglish/pretrain';
import type { QuickstartSettings } from './settings.js';

/** A caption with a word left out, and what the model says stood there. */
export interface WordFillIn {
  image: RgbImage;
  caption: string;
  /** The caption with `<mask>` for each piece of the word. */
  blanked: string;
  /** The pieces left out. */
  answer: string[];
  withImage: WordGuess[][];
  withoutImage: WordGuess[][];
}

export interface PictureFillIn extends FilledImage {
  caption: string;
}

export interface FillIns {
  words: WordFillIn[];
  pictures: PictureFillIn[];
}

/** Examples to look at, spread over unseen items: words given the picture, patches given the words. */
export async function fillInExamples(
  model: FillingModel,
  unseen: Dataset<PairExample>,
  { recipe }: QuickstartSettings,
  count: number,
): Promise<FillIns> {
  const grid = patchGrid(model.config);
  const masked = maskedPatchCount(grid, recipe.ratios.image);
  const words: WordFillIn[] = [];
  const pictures: PictureFillIn[] = [];
  for (let i = 0; i < count; i++) {
    const example = await unseen.get(Math.floor(((i + 0.5) * unseen.size) / count));
    const random = draw(recipe.seed, 'quickstart fill-ins', 0, i);
    const { image, captions } = example;
    const caption = captions[random.integer(captions.length)]!;
    words.push(await fillWord(model, image, caption, random.integer.bind(random)));
    const mask = blockMask(grid, masked, random);
    const filled = await fillImage(model, image, mask, { caption });
    pictures.push({ ...filled, caption });
  }
  return { words, pictures };
}

/** Leaves out one word, one `<mask>` for each of its pieces. */
async function fillWord(
  model: FillingModel,
  image: RgbImage,
  caption: string,
  integer: (n: number) => number,
): Promise<WordFillIn> {
  const { tokenizer } = model;
  const pieces = tokenizer.encodeWithOffsets(caption);
  const starts = pieces.flatMap(({ piece }, i) =>
    i === 0 || piece.startsWith('\u2581') ? [i] : [],
  );
  const chosen = integer(starts.length);
  const [from, to] = [starts[chosen]!, starts[chosen + 1] ?? pieces.length];
  const left = pieces.slice(from, to);
  const masks = left.map(() => '<mask>').join('');
  const blanked = `${caption.slice(0, left[0]!.start)} ${masks}${caption.slice(left.at(-1)!.end)}`;
  const [withImage, withoutImage] = [
    await fillText(model, blanked.trim(), { image, top: 3 }),
    await fillText(model, blanked.trim(), { top: 3 }),
  ];
  return {
    image,
    caption,
    blanked: blanked.trim(),
    answer: left.map(({ piece }) => piece),
    withImage: withImage.blanks,
    withoutImage: withoutImage.blanks,
  };
}
