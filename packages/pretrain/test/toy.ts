import {
  type Dataset,
  draw,
  type ImageExample,
  type ModelConfig,
  type ModelConfigInput,
  modelConfig,
  type PairExample,
  type RgbImage,
  type TextExample,
} from '@imglish/core';
import {
  defaultPreprocessor,
  KMeansTokenizer,
  type TextTokenizer,
  textTokenizer,
  trainUnigram,
} from '@imglish/tokenizers';
import type { PretrainBatchOptions, PretrainTokenizers } from '../src/index.js';

/** The five colours, as bytes; a colour's place in the list is its visual code. */
export const COLOURS: Readonly<Record<string, readonly [number, number, number]>> = {
  black: [0, 0, 0],
  white: [255, 255, 255],
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
};
const NAMES: readonly string[] = Object.keys(COLOURS);
export const CODES: number = NAMES.length;

/** Side of images and of patches, in pixels: 4 × 4 patches. */
const SIDE = 8;
const PATCH = 2;
export const PATCHES: number = (SIDE / PATCH) ** 2;

/** As small as a model can be: 2 layers of width 8. */
export function toyConfig(changes: Partial<ModelConfigInput> = {}): ModelConfig {
  return modelConfig({
    imageSize: [SIDE, SIDE],
    patchSize: PATCH,
    vocabularySize: 32,
    dim: 8,
    heads: 2,
    ffnDim: 12,
    layers: 2,
    maxTextPositions: 34,
    ...changes,
  });
}

/** Both variants, the paper's with one fusion layer. */
export const VARIANTS: readonly (readonly [string, Partial<ModelConfigInput>])[] = [
  ['released', {}],
  ['paper', { variant: 'paper', fusionLayers: 1 }],
];

const SENTENCES = NAMES.flatMap((above) => NAMES.map((below) => `${above} above ${below}`));

let spmBytes: Uint8Array | undefined;

/** A SentencePiece model in which every word of the captions is one piece. */
export function toySpm(): Uint8Array {
  spmBytes ??= trainUnigram(SENTENCES, { vocabSize: 27 }).spm;
  return spmBytes;
}

export function toyTextTokenizer(): TextTokenizer {
  return textTokenizer(toySpm());
}

/** A codebook of one flat patch for each colour. */
export function toyVisualTokenizer(patchSize: number = PATCH): KMeansTokenizer {
  const area = patchSize ** 2;
  const codebook = NAMES.flatMap((name) =>
    COLOURS[name]!.flatMap((value) => new Array<number>(area).fill(value / 127.5 - 1)),
  );
  return new KMeansTokenizer(patchSize, Float32Array.from(codebook));
}

export function toyTokenizers(): PretrainTokenizers {
  return {
    tokenizer: toyTextTokenizer(),
    visualTokenizer: toyVisualTokenizer(),
    preprocessor: defaultPreprocessor([SIDE, SIDE]),
  };
}

/** The image whose patches have these codes, row by row. */
export function mosaic(codes: readonly number[]): RgbImage {
  const side = Math.sqrt(codes.length);
  const pixels = side * PATCH;
  const data = new Uint8Array(3 * pixels * pixels);
  for (let y = 0; y < pixels; y++) {
    for (let x = 0; x < pixels; x++) {
      const code = codes[Math.floor(y / PATCH) * side + Math.floor(x / PATCH)]!;
      data.set(COLOURS[NAMES[code]!]!, 3 * (y * pixels + x));
    }
  }
  return { width: pixels, height: pixels, data };
}

/** The codes of image `index` of the images and pairs: anything. */
export function codesOf(index: number): number[] {
  const random = draw(9, 'mosaic', index);
  return Array.from({ length: PATCHES }, () => random.integer(CODES));
}

export function datasetOf<T>(examples: readonly T[]): Dataset<T> {
  return { size: examples.length, get: async (index) => examples[index]! };
}

/** Texts of many lengths. */
export function toyTexts(count: number): TextExample[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `text ${i}`,
    text: SENTENCES.slice(i % 7, (i % 7) + 1 + (i % 7)).join(' '),
  }));
}

export function toyImages(count: number): ImageExample[] {
  return Array.from({ length: count }, (_, i) => ({ id: `image ${i}`, image: mosaic(codesOf(i)) }));
}

export function toyPairs(count: number): PairExample[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `pair ${i}`,
    image: mosaic(codesOf(100 + i)),
    captions: [SENTENCES[i % SENTENCES.length]!, SENTENCES[(i + 3) % SENTENCES.length]!],
  }));
}

/** What batches are made of; `changes` replace parts of it. */
export function toyBatchOptions(changes: Partial<PretrainBatchOptions> = {}): PretrainBatchOptions {
  return {
    config: toyConfig(),
    ...toyTokenizers(),
    texts: datasetOf(toyTexts(5)),
    images: datasetOf(toyImages(3)),
    pairs: datasetOf(toyPairs(4)),
    mix: { text: 2, image: 2, pair: 2 },
    seed: 1,
    maxTextLength: 20,
    maxCaptionLength: 12,
    ...changes,
  };
}
