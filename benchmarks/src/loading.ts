import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { onnx } from '@imglish/backend-onnx/node';
import { wasm } from '@imglish/backend-wasm/node';
import {
  type Dataset,
  disposeAll,
  draw,
  initializeParameters,
  type ModelConfig,
  type PairExample,
  preset,
} from '@imglish/core';
import { arrayDataset, shardDataset } from '@imglish/data';
import {
  imageDecoder,
  openEncodedPairs,
  openShards,
  openTaskData,
  shardFormats,
  writeShards,
} from '@imglish/data/node';
import { disposeBatch, pretrainBatches, pretrainSpecs } from '@imglish/pretrain';
import {
  defaultPreprocessor,
  KMeansTokenizer,
  textTokenizer,
  trainUnigram,
} from '@imglish/tokenizers';
import { train } from '@imglish/train';
import sharp from 'sharp';
import { pausedTraining } from './paused-training.js';
import { type RaceOptions, race, type Side } from './race.js';
import { machine, type Report } from './report.js';
import { inTemporaryFolder } from './temporary-folder.js';
import { timed } from './timed.js';
import { CODES, randomBatch, trainOptions, WORDS } from './train-job.js';

const BATCH = 32;
/** Of the pictures that are read: about what LAION's are fetched at. */
const SIDE = 256;
const COLOURS = ['red', 'green', 'blue', 'dark', 'pale', 'grey'];

export interface LoadingSizes {
  /** Pictures that are read again and again. */
  pictures: number;
  side: number;
}

/**
 * Pictures a second of the whole way into a batch (read, decode, resize, visual codes, mask, tensors),
 * from a folder and from shards, with 0, 1, … threads that decode, beside the training step that needs
 * them.
 */
export async function loading(
  options: RaceOptions,
  config: ModelConfig = { ...preset('small'), variant: 'released', fusionLayers: 0 },
  { pictures, side }: LoadingSizes = { pictures: 512, side: SIDE },
): Promise<Report> {
  const threads = availableParallelism();
  const [height, width] = config.imageSize;
  const what =
    `batches of ${BATCH} pairs read, decoded (JPEG, ${side} × ${side}), resized to ` +
    `${height} × ${width}, cut into visual codes, masked and made tensors; beside a compiled ` +
    `training step on as many pairs, width ${config.dim}, ${config.layers} layers, which must be slower`;
  const result = await inTemporaryFolder(async (folder) => {
    const closing: (() => unknown)[] = [];
    try {
      await writePictures(join(folder, 'folder'), pictures, side);
      const encoded = await openEncodedPairs(join(folder, 'folder'), 'all');
      for (const format of shardFormats) {
        // Several shards, as data that streams has.
        await writeShards(join(folder, format), encoded, {
          format,
          size: (pictures * side ** 2) / 8,
        });
      }
      const sides: Side[] = [];
      for (let decoders = threads; decoders >= 0; decoders--) {
        for (const source of ['tar', 'parquet', 'folder']) {
          sides.push(await loadingSide(join(folder, source), source, decoders, config, closing));
        }
      }
      const [ours, ...others] = sides;
      return await race(ours!, [await stepSide(config, threads, closing), ...others], options);
    } finally {
      for (const close of closing.reverse()) await close();
    }
  });
  const name = `batch ${BATCH}`;
  const cases = [{ name, samples: BATCH, ...result, differences: {} }];
  return { benchmark: 'loading', what, machine: machine(threads), cases };
}

/** Pictures as JPEG with soft shapes and some noise, and a caption of each. */
async function writePictures(folder: string, count: number, side: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const random = draw(0, 'pictures', i);
    const waves = Array.from({ length: 3 }, () => [random.integer(9), random.integer(9)] as const);
    const data = new Uint8Array(3 * side * side);
    for (let at = 0; at < data.length; at++) {
      const [x, y] = [Math.floor(at / 3) % side, Math.floor(at / 3 / side)];
      const [fx, fy] = waves[at % 3]!;
      const wave = 60 * Math.sin((fx * x) / side + i) + 60 * Math.cos((fy * y) / side);
      data[at] = 128 + wave + random.integer(16);
    }
    const raw = { raw: { width: side, height: side, channels: 3 as const } };
    await writeFile(
      join(folder, `${i}.jpg`),
      await sharp(data, raw).jpeg({ quality: 90 }).toBuffer(),
    );
    const words = Array.from({ length: 8 }, () => COLOURS[random.integer(COLOURS.length)]);
    lines.push(JSON.stringify({ image: `${i}.jpg`, caption: `waves of ${words.join(' and ')}` }));
  }
  await writeFile(join(folder, 'captions.jsonl'), `${lines.join('\n')}\n`);
}

/** Batch after batch from one source; with 0 threads, pictures are decoded where batches are made. */
async function loadingSide(
  path: string,
  source: string,
  decoders: number,
  config: ModelConfig,
  closing: (() => unknown)[],
): Promise<Side> {
  const decoder =
    decoders > 0 ? imageDecoder({ threads: decoders, size: config.imageSize }) : undefined;
  if (decoder) closing.push(() => decoder.close());
  const decode = decoder && { decode: decoder.decode };
  let pairs: Dataset<PairExample>;
  if (source === 'folder') {
    pairs = await openTaskData('image-captioning', path, 'all', { ...decode, keepBytes: 0 });
  } else {
    const { shards, close } = await openShards([path], { ...decode });
    closing.push(close);
    pairs = shardDataset(shards);
  }
  const mix = { text: 0, image: 0, pair: BATCH };
  const batches = pretrainBatches({
    ...{ config, pairs, mix, texts: arrayDataset([]), images: arrayDataset([]), seed: 0 },
    ...{ maxTextLength: WORDS, preprocessor: defaultPreprocessor(config.imageSize) },
    tokenizer: captionTokenizer(),
    visualTokenizer: randomCodebook(config),
    reading: { ahead: { samples: 2 * BATCH, stride: 1, batches: 2 ** 31, mix } },
  });
  let index = 0;
  return {
    name: `${source}, ${decoders === 0 ? 'no threads' : `threads: ${decoders}`}`,
    settings: decoders === 0 ? 'decoded where batches are made' : 'decoded and resized in threads',
    run: (runs) => timed(runs, async () => disposeBatch(await batches(index++))),
  };
}

function captionTokenizer() {
  const texts = COLOURS.flatMap((a) => COLOURS.map((b) => `waves of ${a} and ${b}`));
  return textTokenizer(trainUnigram(texts, { vocabSize: 34, hardVocabLimit: false }).spm);
}

function randomCodebook({ patchSize }: ModelConfig): KMeansTokenizer {
  const random = draw(0, 'codebook');
  const values = Float32Array.from({ length: CODES * 3 * patchSize ** 2 }, () => random.normal());
  return new KMeansTokenizer(patchSize, values);
}

async function stepSide(
  config: ModelConfig,
  threads: number,
  closing: (() => unknown)[],
): Promise<Side> {
  const backend = await onnx(await wasm(), { threads });
  closing.push(() => backend.dispose());
  const compiler = backend.compiler!;
  const parameters = initializeParameters(pretrainSpecs(config, CODES), 0);
  closing.push(() => disposeAll(parameters));
  const batch = randomBatch(config, BATCH);
  const paused = pausedTraining((onStep, signal) =>
    train({ ...trainOptions(config, parameters, batch), compiler, onStep, signal }),
  );
  closing.push(() => paused.stop());
  return {
    name: 'the training step',
    settings: compiler.description,
    run: (runs) => timed(runs, () => paused.step()),
  };
}
