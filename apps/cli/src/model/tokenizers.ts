import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type Backend,
  ConfigError,
  type Dataset,
  type ImageExample,
  type ModelConfig,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import type { PretrainData, PretrainTokenizers } from '@imglish/pretrain';
import {
  defaultPreprocessor,
  type HostTensor,
  type KMeansTokenizer,
  loadVisualTokenizer,
  type Pixels,
  preprocessImage,
  saveVisualTokenizer,
  textTokenizer,
  trainKMeansTokenizer,
  trainUnigram,
  type VisualTokenizer,
  type VisualTokenizerConfig,
} from '@imglish/tokenizers';
import { progress } from '@imglish/train/node';
import { readGivenTokenizer } from './given-tokenizer.js';
import { readBytes } from './read-file.js';
import { writeBytes } from './write-file.js';

export interface TokenizerTraining {
  config: ModelConfig;
  data: PretrainData;
  seed: number;
  /** Size of the visual codebook. */
  codes: number;
  /** Images that the codebook is learnt from; 2000 by default. */
  codebookImages?: number;
  /** What a visual tokenizer that computes is to do so on; without, the current tfjs backend. */
  backend?: Pick<Backend, 'compiler'>;
  json: boolean;
}

export type TrainedTokenizers = PretrainTokenizers & {
  /** The text tokenizer as a file. */
  spm: Uint8Array;
  /** The visual tokenizer, to be made again in another thread. */
  visual: VisualParts;
};

/** What `visualTokenizer` makes a visual tokenizer of. */
export interface VisualParts {
  config: VisualTokenizerConfig;
  tensors: Record<string, HostTensor>;
}

/** Lloyd iterations of the visual codebook, and patches it looks at. */
const ITERATIONS = 12;
const MAX_PATCHES = 32_768;

/**
 * Trains the text tokenizer on the texts, and the visual one on the pictures unless the directory of
 * one is given, `visual`.
 */
export async function trainTokenizers(
  options: TokenizerTraining & { visual?: string },
): Promise<TrainedTokenizers> {
  const spm = await trainTextTokenizer(options);
  const visualTokenizer = await (options.visual === undefined
    ? trainVisualTokenizer(options)
    : loadVisualTokenizer(fileDirectory(options.visual), options.backend));
  const preprocessor = defaultPreprocessor(options.config.imageSize);
  const visual = partsOf(visualTokenizer);
  return { tokenizer: textTokenizer(spm), visualTokenizer, preprocessor, spm, visual };
}

/**
 * The tokenizers of a run, kept in its directory: trained the first time (or copied from `spm`, and
 * from the directory `visual`), read afterwards, so that a run that goes on has the same.
 *
 * Throws `config/other-tokenizers` where those kept are not the ones asked for.
 */
export async function tokenizersFor(
  options: TokenizerTraining & { directory: string; spm?: string; visual?: string },
): Promise<TrainedTokenizers> {
  const { directory, config } = options;
  const preprocessor = defaultPreprocessor(config.imageSize);
  const given = options.spm && (await readGivenTokenizer(options.spm, config.vocabularySize));
  const text = join(directory, 'tokenizer.spm');
  const kept = fileDirectory(directory);
  const givenVisual = options.visual && (await loadVisualTokenizer(fileDirectory(options.visual)));
  await mkdir(directory, { recursive: true });
  if (!(await exists(text))) {
    const spm = given || (await trainTextTokenizer(options));
    await writeBytes(text, spm);
  }
  if (!(await exists(join(directory, 'visual_tokenizer.json')))) {
    await saveVisualTokenizer(kept, givenVisual || (await trainVisualTokenizer(options)));
  }
  const spm = await readBytes(text);
  const visualTokenizer = await loadVisualTokenizer(kept, options.backend);
  const visual = partsOf(visualTokenizer);
  if (given && !Buffer.from(given).equals(spm)) {
    otherTokenizers(`the text tokenizer kept in ${directory}`, options.spm!);
  }
  if (givenVisual && !sameParts(visual, partsOf(givenVisual))) {
    otherTokenizers(`the visual tokenizer kept in ${directory}`, options.visual!);
  }
  if (!givenVisual && (visual.config.type !== 'kmeans' || visual.config.codes !== options.codes)) {
    const { type, codes } = visual.config;
    const expected = `${codes} codes of type ${type}, as in ${directory}`;
    otherTokenizers(expected, `${options.codes} codes of type kmeans`);
  }
  return { tokenizer: textTokenizer(spm), visualTokenizer, preprocessor, spm, visual };
}

/** What it can be made of again, in another thread. */
export function partsOf(tokenizer: VisualTokenizer): VisualParts {
  return { config: tokenizer.toJSON(), tensors: tokenizer.toTensors() };
}

function sameParts(a: VisualParts, b: VisualParts): boolean {
  return isDeepStrictEqual(a, b);
}

function otherTokenizers(expected: string, got: string): never {
  throw new ConfigError({
    code: 'config/other-tokenizers',
    where: 'tokenizersFor',
    expected,
    got,
    fix: 'Resume with the old values, or begin a new run in another folder.',
  });
}

async function trainTextTokenizer({ config, data, json }: TokenizerTraining): Promise<Uint8Array> {
  const shown = progress('training the text tokenizer', 2, { json });
  const texts = new Set<string>();
  for (let i = 0; i < data.texts.size; i++) texts.add((await data.texts.get(i)).text);
  shown.advance();
  // Two of the model's ids are no pieces of the file: <pad> and <mask>.
  // Texts of few words have fewer: the other rows of the model stay unused.
  const vocabSize = config.vocabularySize - 2;
  const { spm } = trainUnigram(texts, { vocabSize, hardVocabLimit: false });
  shown.advance();
  shown.finish();
  return spm;
}

async function trainVisualTokenizer(options: TokenizerTraining): Promise<KMeansTokenizer> {
  const { config, data, seed, codes, codebookImages = 2000, json } = options;
  const preprocessor = defaultPreprocessor(config.imageSize);
  const shown = progress('training the visual tokenizer', ITERATIONS, { json });
  const { tokenizer } = await trainKMeansTokenizer(
    pixelsOf(data.images, codebookImages, (image) => preprocessImage(image, preprocessor)),
    {
      codes,
      patchSize: config.patchSize,
      seed,
      iterations: ITERATIONS,
      maxPatches: Math.max(MAX_PATCHES, 64 * codes),
      onProgress: () => shown.advance(),
    },
  );
  shown.finish();
  return tokenizer;
}

/** Images spread evenly over a data set, as pixels. */
async function* pixelsOf(
  images: Dataset<ImageExample>,
  count: number,
  read: (image: ImageExample['image']) => Pixels,
): AsyncGenerator<Pixels> {
  const taken = Math.min(count, images.size);
  for (let i = 0; i < taken; i++) {
    const { image } = await images.get(Math.floor((i * images.size) / taken));
    yield read(image);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
