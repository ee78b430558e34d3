import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ConfigError,
  type Dataset,
  type ImageExample,
  type ModelConfig,
  openSafetensors,
  tensorEntry,
  writeSafetensors,
} from '@imglish/core';
import { fileSink, fileSource } from '@imglish/core/node';
import type { PretrainData, PretrainTokenizers } from '@imglish/pretrain';
import {
  defaultPreprocessor,
  KMeansTokenizer,
  type Pixels,
  preprocessImage,
  textTokenizer,
  trainKMeansTokenizer,
  trainUnigram,
} from '@imglish/tokenizers';
import { progress } from '@imglish/train/node';
import { readGivenTokenizer } from './given-tokenizer.js';
import { readBytes } from './read-file.js';

export interface TokenizerTraining {
  config: ModelConfig;
  data: PretrainData;
  seed: number;
  /** Size of the visual codebook. */
  codes: number;
  /** Images that the codebook is learnt from; 2000 by default. */
  codebookImages?: number;
  json: boolean;
}

export type TrainedTokenizers = PretrainTokenizers & {
  /** The text tokenizer as a file. */
  spm: Uint8Array;
  /** The visual tokenizer's mean patches `[codes, 3 p p]`. */
  codebook: Float32Array;
};

/** Lloyd iterations of the visual codebook, and patches it looks at. */
const ITERATIONS = 12;
const MAX_PATCHES = 32_768;

/** Trains the text tokenizer on the texts, the visual one on the pictures. */
export async function trainTokenizers(options: TokenizerTraining): Promise<TrainedTokenizers> {
  const spm = await trainTextTokenizer(options);
  const visualTokenizer = await trainVisualTokenizer(options);
  const preprocessor = defaultPreprocessor(options.config.imageSize);
  const codebook = visualTokenizer.toTensors().codebook.data;
  return { tokenizer: textTokenizer(spm), visualTokenizer, preprocessor, spm, codebook };
}

/**
 * The tokenizers of a run, kept in its directory: trained the first time (or copied from `spm`),
 * read afterwards, so that a run that goes on has the same.
 *
 * Throws `config/other-tokenizers` where those kept are not the ones asked for.
 */
export async function tokenizersFor(
  options: TokenizerTraining & { directory: string; spm?: string },
): Promise<TrainedTokenizers> {
  const { directory, config } = options;
  const preprocessor = defaultPreprocessor(config.imageSize);
  const given = options.spm && (await readGivenTokenizer(options.spm, config.vocabularySize));
  const text = join(directory, 'tokenizer.spm');
  const visual = join(directory, 'visual_tokenizer.safetensors');
  await mkdir(directory, { recursive: true });
  if (!(await exists(text))) {
    const spm = given || (await trainTextTokenizer(options));
    const sink = await fileSink(text);
    await sink.write(spm);
    await sink.close();
  }
  if (!(await exists(visual))) {
    const { codebook } = (await trainVisualTokenizer(options)).toTensors();
    const entry = tensorEntry(
      'codebook',
      'F32',
      codebook.shape,
      codebook.data as Float32Array<ArrayBuffer>,
    );
    await writeSafetensors(await fileSink(visual), [entry]);
  }
  const spm = await readBytes(text);
  const file = await openSafetensors(await fileSource(visual));
  const codebook = await file.tensors.get('codebook')!.readFloat32();
  await file.close();
  const visualTokenizer = new KMeansTokenizer(config.patchSize, codebook);
  if (given && !Buffer.from(given).equals(spm)) {
    otherTokenizers(`the text tokenizer kept in ${directory}`, options.spm!);
  }
  if (visualTokenizer.codes !== options.codes) {
    otherTokenizers(`${visualTokenizer.codes} codes, as in ${directory}`, `${options.codes} codes`);
  }
  return { tokenizer: textTokenizer(spm), visualTokenizer, preprocessor, spm, codebook };
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
