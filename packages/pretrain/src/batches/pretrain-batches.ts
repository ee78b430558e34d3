import { ConfigError, draw, patchGrid } from '@imglish/core';
import {
  type Pixels,
  patchify,
  type TextTokenizer,
  type VisualTokenizer,
} from '@imglish/tokenizers';
import type { Batch, BatchSource } from '@imglish/train';
import { requireTokenizersFit } from '../bundle/model-fit.js';
import { maskedPatchCount } from '../masking/block-mask.js';
import type { MaskedSlots, MaskedStream } from '../objectives/masked-data-modelling.js';
import { dropPathOf } from './drop-path.js';
import {
  type MaskRatios,
  maskedPatches,
  maskedText,
  PAPER_MASK_RATIOS,
  wordSlots,
} from './masked-example.js';
import { inOrder, numbersOf, type Samples, type SamplesOptions, samplesOf } from './samples.js';
import { imageTensors, type MaskedImageSample, textTensors } from './stream-tensors.js';

/** Samples of each stream in a batch; a stream of 0 is left out. */
export interface StreamMix {
  text: number;
  image: number;
  pair: number;
}

export interface PretrainBatch extends Batch {
  readonly text?: MaskedStream & { words: MaskedSlots };
  readonly image?: MaskedStream & { patches: MaskedSlots };
  readonly pair?: MaskedStream & { words: MaskedSlots; patches: MaskedSlots };
}

export interface PretrainBatchOptions extends SamplesOptions, MaskedBatchOptions {}

/** What is made of samples. */
export interface MaskedBatchOptions extends Pick<SamplesOptions, 'config' | 'seed'> {
  tokenizer: TextTokenizer;
  visualTokenizer: VisualTokenizer;
  mix: StreamMix;
  /** Ids of a text alone, `<s>` and `</s>` included. */
  maxTextLength: number;
  /** Ids of the text of a pair; by default as for a text alone. */
  maxCaptionLength?: number;
  ratios?: MaskRatios;
}

/**
 * Batches of masked texts, images and pairs, each the same whenever it is asked for.
 *
 * The samples of a stream are numbered through all batches, and order, masks, captions and drop paths
 * are drawn from (seed, stream, number): two batches of half the size are one of the whole. Every data
 * set is walked epoch by epoch, each epoch in an order of its own.
 *
 * Throws `ConfigError`: `config/pretrain-batches`, `config/vocabulary-size`, `config/visual-grid`;
 * a batch rejects with `config/image-size`, `data/no-captions` or what the tokenizers throw.
 */
export function pretrainBatches(options: PretrainBatchOptions): BatchSource<PretrainBatch> {
  checkBatchOptions('pretrainBatches', options);
  const read = maskedBatches(options);
  const samples = samplesOf(options);
  return (index) => read(index, samples);
}

/** `pretrainBatches` of samples that are given with every batch. */
export function maskedBatches(
  options: MaskedBatchOptions,
): (index: number, samples: Samples) => Promise<PretrainBatch> {
  const { config, tokenizer, visualTokenizer, mix, seed, maxTextLength } = options;
  const { maxCaptionLength = maxTextLength, ratios = PAPER_MASK_RATIOS } = options;
  const grid = patchGrid(config);

  const maskedWords = (text: string, length: number, ratio: number, purpose: string, n: number) =>
    maskedText(tokenizer.encodeForModel(text, length), tokenizer, ratio, draw(seed, purpose, n));
  const maskedImage = async (
    pixels: Pixels,
    purpose: string,
    number: number,
  ): Promise<MaskedImageSample> => {
    const codes = await visualTokenizer.encode(pixels);
    const masked = maskedPatches(codes, grid, ratios.image, draw(seed, purpose, number));
    return { patches: patchify(pixels, config.patchSize).data, ...masked };
  };

  return async (index, samples) => {
    const numbers = {
      text: numbersOf(index, mix.text),
      image: numbersOf(index, mix.image),
      pair: numbersOf(index, mix.pair),
    };
    // All is read before the first tensor is made: a sample that fails leaves none behind.
    const texts = await inOrder(numbers.text, async (number) => {
      const text = await samples.text(number);
      return maskedWords(text, maxTextLength, ratios.text, 'mask of text', number);
    });
    const images = await inOrder(numbers.image, async (number) =>
      maskedImage(await samples.image(number), 'mask of image', number),
    );
    const pairs = await inOrder(numbers.pair, async (number) => {
      const { pixels, caption } = await samples.pair(number);
      const ratio = ratios.pairText;
      return {
        image: await maskedImage(pixels, 'image mask of pair', number),
        text: maskedWords(caption, maxCaptionLength, ratio, 'text mask of pair', number),
      };
    });
    const batch: { -readonly [K in keyof PretrainBatch]: PretrainBatch[K] } = {
      size: mix.text + mix.image + mix.pair,
    };
    if (mix.text > 0) {
      const text = textTensors(texts, wordSlots(maxTextLength, ratios.text));
      batch.text = { ...text, dropPath: dropPathOf(config, seed, 'text', numbers.text) };
    }
    if (mix.image > 0) {
      const image = imageTensors(config, images, ratios.image);
      batch.image = { ...image, dropPath: dropPathOf(config, seed, 'image', numbers.image) };
    }
    if (mix.pair > 0) {
      const imagesOf = pairs.map(({ image }) => image);
      const textsOf = pairs.map(({ text }) => text);
      const image = imageTensors(config, imagesOf, ratios.image);
      const text = textTensors(textsOf, wordSlots(maxCaptionLength, ratios.pairText));
      batch.pair = {
        ...image,
        ...text,
        inputs: { ...image.inputs, ...text.inputs },
        dropPath: dropPathOf(config, seed, 'pair', numbers.pair),
      };
    }
    return batch;
  };
}

/**
 * Refuses what makes no batches: `config/pretrain-batches`, `config/vocabulary-size`,
 * `config/visual-grid`.
 */
export function checkBatchOptions(
  where: string,
  options: Omit<PretrainBatchOptions, 'visualTokenizer'> & Partial<PretrainBatchOptions>,
): void {
  const { config, mix, maxTextLength, maxCaptionLength = maxTextLength } = options;
  const { ratios = PAPER_MASK_RATIOS } = options;
  const check = (expected: string, ok: boolean, got: unknown): void => {
    if (ok) return;
    const details = { code: 'config/pretrain-batches', where };
    throw new ConfigError({ ...details, expected, got: String(got) });
  };
  const counts = [mix.text, mix.image, mix.pair];
  check(
    'a mix of whole numbers of at least 0, not all 0',
    counts.every((n) => Number.isInteger(n) && n >= 0) && counts.some((n) => n > 0),
    JSON.stringify(mix),
  );
  check('texts for the text stream', mix.text === 0 || options.texts.size > 0, 'none');
  check('images for the image stream', mix.image === 0 || options.images.size > 0, 'none');
  check('pairs for the pair stream', mix.pair === 0 || options.pairs.size > 0, 'none');
  const longest = config.maxTextPositions - 2;
  const lengths = [
    ['maxTextLength', maxTextLength, mix.text],
    ['maxCaptionLength', maxCaptionLength, mix.pair],
  ] as const;
  for (const [key, length, samples] of lengths) {
    const fits = Number.isInteger(length) && length >= 3 && length <= longest;
    check(`${key} from 3 to ${longest}, what the model reads`, samples === 0 || fits, length);
  }
  for (const [stream, ratio] of Object.entries(ratios)) {
    check(`ratios.${stream} in (0, 1]`, ratio > 0 && ratio <= 1, ratio);
  }
  const grid = patchGrid(config);
  check(
    `ratios.image to mask at least one of the ${grid[0]} × ${grid[1]} patches`,
    mix.image + mix.pair === 0 || maskedPatchCount(grid, ratios.image) > 0,
    ratios.image,
  );
  requireTokenizersFit(where, config, options);
}
