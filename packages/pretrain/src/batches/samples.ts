import {
  DataError,
  type Dataset,
  draw,
  type ImageExample,
  type ModelConfig,
  type PairExample,
  type TextExample,
} from '@imglish/core';
import type { Pixels, PreprocessorConfig } from '@imglish/tokenizers';
import { modelPixels } from '../bundle/model-fit.js';
import { sampleOrder } from './sample-order.js';
import { type ReadingOptions, sampleReader } from './sample-reader.js';

/** Samples of the three streams by their numbers, counted through the run; the same whenever asked for. */
export interface Samples {
  text(number: number): Promise<string>;
  /** Pixels as the model reads them. */
  image(number: number): Promise<Pixels>;
  /** An image with one of its captions, drawn. */
  pair(number: number): Promise<{ pixels: Pixels; caption: string }>;
}

export interface SamplesOptions {
  config: ModelConfig;
  preprocessor: PreprocessorConfig;
  texts: Dataset<TextExample>;
  images: Dataset<ImageExample>;
  pairs: Dataset<PairExample>;
  seed: number;
  reading?: ReadingOptions | undefined;
}

/**
 * Samples of data sets, each walked epoch by epoch, every epoch in an order of its own: see
 * `sampleOrder`.
 *
 * A sample rejects with `config/image-size`, `data/no-captions`, or what its data set throws.
 */
export function samplesOf(options: SamplesOptions): Samples {
  const { config, preprocessor, texts, images, pairs, seed, reading = {} } = options;
  const orderOf = (dataset: Dataset<unknown>, purpose: string) =>
    sampleOrder(dataset, seed, purpose, reading.window);
  const captioned: Dataset<PairExample> = {
    ...pairs,
    async get(index) {
      const pair = await pairs.get(index);
      requireCaptions(pair.id, pair.captions);
      return pair;
    },
  };
  const readText = sampleReader('text', texts, orderOf(texts, 'order of text'), reading);
  const readImage = sampleReader('image', images, orderOf(images, 'order of image'), reading);
  const readPair = sampleReader('pair', captioned, orderOf(pairs, 'order of pair'), reading);
  const pixels = (image: ImageExample['image']) =>
    modelPixels('pretrainBatches', config, image, preprocessor);
  return {
    text: async (number) => (await readText(number)).text,
    image: async (number) => pixels((await readImage(number)).image),
    pair: async (number) => {
      const { image, captions } = await readPair(number);
      const caption = captions[draw(seed, 'caption of pair', number).integer(captions.length)]!;
      return { pixels: pixels(image), caption };
    },
  };
}

/** The same samples, each read once, however many ask for it; to be kept for a batch. */
export function readOnce(samples: Samples): Samples {
  const once = <T>(read: (number: number) => Promise<T>) => {
    const known = new Map<number, Promise<T>>();
    return (number: number): Promise<T> => {
      const found = known.get(number) ?? read(number);
      known.set(number, found);
      return found;
    };
  };
  return { text: once(samples.text), image: once(samples.image), pair: once(samples.pair) };
}

/** The numbers of the samples of a batch, counted through all batches. */
export function numbersOf(index: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => index * count + i);
}

/** Reads that run at once: enough to keep threads busy that decode, few enough for large pictures. */
const READS_AT_ONCE = 4;

/** What is read of each number, in their order. */
export async function inOrder<T>(
  numbers: readonly number[],
  read: (number: number) => Promise<T>,
): Promise<T[]> {
  const found: T[] = [];
  let next = 0;
  const readOn = async (): Promise<void> => {
    while (next < numbers.length) {
      const at = next++;
      found[at] = await read(numbers[at]!);
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, readOn));
  return found;
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
