import {
  ConfigError,
  DataError,
  type Dataset,
  draw,
  drawDropPath,
  type ImageExample,
  type ModelConfig,
  type PairExample,
  patchGrid,
  type RgbImage,
  type TextExample,
} from '@imglish/core';
import {
  type PreprocessorConfig,
  patchify,
  type TextTokenizer,
  type VisualTokenizer,
} from '@imglish/tokenizers';
import type { Batch, BatchSource } from '@imglish/train';
import { type Tensor3D, tensor3d } from '@tensorflow/tfjs-core';
import { modelPixels, requireTokenizersFit } from '../bundle/model-fit.js';
import { maskedPatchCount } from '../masking/block-mask.js';
import type { MaskedSlots, MaskedStream } from '../objectives/masked-data-modelling.js';
import { epochOrder } from './epoch-order.js';
import {
  type MaskedTextSample,
  type MaskRatios,
  maskedPatches,
  maskedText,
  PAPER_MASK_RATIOS,
  wordSlots,
} from './masked-example.js';
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

export interface PretrainBatchOptions {
  config: ModelConfig;
  tokenizer: TextTokenizer;
  visualTokenizer: VisualTokenizer;
  preprocessor: PreprocessorConfig;
  texts: Dataset<TextExample>;
  images: Dataset<ImageExample>;
  pairs: Dataset<PairExample>;
  mix: StreamMix;
  seed: number;
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
  const { config, tokenizer, visualTokenizer, preprocessor, mix, seed, maxTextLength } = options;
  const { texts, images, pairs, maxCaptionLength = maxTextLength } = options;
  const { ratios = PAPER_MASK_RATIOS } = options;
  checkOptions({ ...options, maxCaptionLength, ratios });
  requireTokenizersFit('pretrainBatches', config, options);
  const grid = patchGrid(config);
  const textOrder = epochOrder(seed, 'order of text', texts.size);
  const imageOrder = epochOrder(seed, 'order of image', images.size);
  const pairOrder = epochOrder(seed, 'order of pair', pairs.size);

  const readText = (text: string, length: number, ratio: number, purpose: string, number: number) =>
    maskedText(
      tokenizer.encodeForModel(text, length),
      tokenizer,
      ratio,
      draw(seed, purpose, number),
    );
  const readImage = async (
    image: RgbImage,
    purpose: string,
    number: number,
  ): Promise<MaskedImageSample> => {
    const pixels = modelPixels('pretrainBatches', config, image, preprocessor);
    const codes = await visualTokenizer.encode(pixels);
    const masked = maskedPatches(codes, grid, ratios.image, draw(seed, purpose, number));
    return { patches: patchify(pixels, config.patchSize).data, ...masked };
  };

  const readTextSample = async (number: number): Promise<MaskedTextSample> => {
    const { text } = await texts.get(textOrder(number));
    return readText(text, maxTextLength, ratios.text, 'mask of text', number);
  };
  const readImageSample = async (number: number): Promise<MaskedImageSample> => {
    const { image } = await images.get(imageOrder(number));
    return readImage(image, 'mask of image', number);
  };
  const readPairSample = async (number: number) => {
    const { id, image, captions } = await pairs.get(pairOrder(number));
    requireCaptions(id, captions);
    const caption = captions[draw(seed, 'caption of pair', number).integer(captions.length)]!;
    return {
      image: await readImage(image, 'image mask of pair', number),
      text: readText(caption, maxCaptionLength, ratios.pairText, 'text mask of pair', number),
    };
  };

  const dropPath = (stream: string, numbers: readonly number[]): Tensor3D | undefined => {
    if (config.dropPathRate === 0) return undefined;
    const own = draw(seed, `drop path of ${stream}`).uint32();
    const factors = drawDropPath(config, own, 0, numbers);
    return tensor3d(factors, [config.layers, 2, numbers.length]);
  };

  return async (index) => {
    const numbers = {
      text: samplesOf(index, mix.text),
      image: samplesOf(index, mix.image),
      pair: samplesOf(index, mix.pair),
    };
    // All is read before the first tensor is made: a sample that fails leaves none behind.
    const samples = {
      text: await inOrder(numbers.text, readTextSample),
      image: await inOrder(numbers.image, readImageSample),
      pair: await inOrder(numbers.pair, readPairSample),
    };
    const batch: { -readonly [K in keyof PretrainBatch]: PretrainBatch[K] } = {
      size: mix.text + mix.image + mix.pair,
    };
    if (mix.text > 0) {
      const text = textTensors(samples.text, wordSlots(maxTextLength, ratios.text));
      batch.text = { ...text, dropPath: dropPath('text', numbers.text) };
    }
    if (mix.image > 0) {
      const image = imageTensors(config, samples.image, ratios.image);
      batch.image = { ...image, dropPath: dropPath('image', numbers.image) };
    }
    if (mix.pair > 0) {
      const imagesOf = samples.pair.map(({ image }) => image);
      const textsOf = samples.pair.map(({ text }) => text);
      const image = imageTensors(config, imagesOf, ratios.image);
      const text = textTensors(textsOf, wordSlots(maxCaptionLength, ratios.pairText));
      batch.pair = {
        ...image,
        ...text,
        inputs: { ...image.inputs, ...text.inputs },
        dropPath: dropPath('pair', numbers.pair),
      };
    }
    return batch;
  };
}

/** The numbers of the samples of a batch, counted through all batches. */
function samplesOf(index: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => index * count + i);
}

/** Reads that run at once: enough to keep threads busy that decode, few enough for large pictures. */
const READS_AT_ONCE = 4;

/** The samples in the order of their numbers. */
async function inOrder<T>(numbers: number[], read: (number: number) => Promise<T>): Promise<T[]> {
  const samples: T[] = [];
  let next = 0;
  const readOn = async (): Promise<void> => {
    while (next < numbers.length) {
      const at = next++;
      samples[at] = await read(numbers[at]!);
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, readOn));
  return samples;
}

function requireCaptions(id: string, captions: readonly string[]): void {
  if (captions.length > 0) return;
  throw new DataError({
    code: 'data/no-captions',
    where: 'pretrainBatches',
    expected: 'pairs with at least one caption',
    got: `none for the image ${JSON.stringify(id)}`,
    fix: 'Leave it out, or give it to the image stream.',
  });
}

function checkOptions(options: Required<PretrainBatchOptions>): void {
  const { config, mix, ratios } = options;
  const check = (expected: string, ok: boolean, got: unknown): void => {
    if (ok) return;
    const details = { code: 'config/pretrain-batches', where: 'pretrainBatches' };
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
    ['maxTextLength', options.maxTextLength, mix.text],
    ['maxCaptionLength', options.maxCaptionLength, mix.pair],
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
}
