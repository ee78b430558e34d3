import { availableParallelism } from 'node:os';
import { onnx } from '@imglish/backend-onnx/node';
import { wasm } from '@imglish/backend-wasm/node';
import {
  type Backend,
  backboneSpecs,
  beit3,
  type Compiled,
  draw,
  type ModelConfig,
  parameterSource,
  preset,
  readModelDirectory,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { emojiCorpus } from '@imglish/emoji/node';
import { type LengthBucket, lengthBuckets, textTokenizer, trainUnigram } from '@imglish/tokenizers';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { writeRandomModel } from './model-folder.js';
import { type RaceOptions, race, type Side } from './race.js';
import { machine, type Report } from './report.js';
import { inTemporaryFolder } from './temporary-folder.js';
import { timed } from './timed.js';

const TEXTS = 512;
const BATCH = 32;
/** What the reference pads every text to. */
const LONGEST = 64;
const PAD_ID = 1;

/** Texts of many lengths: grouped by length, padded batch by batch, or all padded alike. */
export function textLengths(options: RaceOptions): Promise<Report> {
  return inTemporaryFolder((folder) => raceOfTexts(folder, options));
}

async function raceOfTexts(folder: string, options: RaceOptions): Promise<Report> {
  const config: ModelConfig = { ...preset('small'), variant: 'released', fusionLayers: 0 };
  const threads = availableParallelism();
  const texts = await tokenizedTexts(config);
  const lengths = texts.map(({ length }) => length);
  const backend = await onnx(await wasm(), { threads });
  try {
    const encoder = await openEncoder(folder, config, backend);
    const outputs = new Map<string, Float32Array[]>();
    const side = (name: string, buckets: readonly LengthBucket[]): Side => ({
      name,
      settings: `${paddedTokens(buckets)} tokens with padding`,
      run: (runs) =>
        timed(runs, async () => {
          outputs.set(name, await encodeAll(encoder, texts, buckets));
        }),
    });
    const ours = side('grouped by length', lengthBuckets(lengths, { batch: BATCH }));
    const peers = [
      side('padded to the longest of the batch', inOrder(lengths)),
      side(`padded to ${LONGEST}`, inOrder(lengths, LONGEST)),
    ];
    const result = await race(ours, peers, options);
    await encoder.dispose();
    const mine = outputs.get(ours.name)!;
    const differences = peers.flatMap(({ name }) => {
      const theirs = outputs.get(name);
      return theirs ? [[name, largestDifference(mine, theirs)] as const] : [];
    });
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    return {
      benchmark: 'text-lengths',
      what:
        `${TEXTS} captions and glosses, ${tokens} tokens, in batches of ${BATCH}; text encoder as ` +
        `released, width ${config.dim}, ${config.layers} layers. ` +
        'Difference: largest of the hidden states',
      machine: machine(threads),
      cases: [
        {
          name: 'hidden states of all texts',
          samples: TEXTS,
          ...result,
          differences: Object.fromEntries(differences),
        },
      ],
    };
  } finally {
    backend.dispose();
  }
}

/** A text encoder with random weights, for any batch and length. */
async function openEncoder(
  folder: string,
  config: ModelConfig,
  { compiler }: Backend,
): Promise<Compiled> {
  await writeRandomModel(folder, config);
  const model = await readModelDirectory(fileDirectory(folder));
  const parameters = parameterSource(model.tensors, { specs: backboneSpecs(config) });
  await model.close();
  const sizes = { 0: 'batch', 1: 'text' };
  const shape = [BATCH, LONGEST];
  return compiler!.compile(
    ({ ids, padding }, p) => {
      const inputs = { textIds: ids as Tensor2D, paddingMask: padding as Tensor2D };
      return { sequence: beit3(p, config, inputs).sequence };
    },
    { ids: { shape, dtype: 'int32' }, padding: { shape, dtype: 'float32' } },
    { parameters, freeSizes: { ids: sizes, padding: sizes }, name: 'text encoder' },
  );
}

/** Hidden states `[T, D]` of every text in its place, without those of padding. */
async function encodeAll(
  encoder: Compiled,
  texts: readonly Int32Array[],
  buckets: readonly LengthBucket[],
): Promise<Float32Array[]> {
  const results: Float32Array[] = [];
  for (const { indices, length } of buckets) {
    const shape = [indices.length, length];
    const ids = new Int32Array(indices.length * length).fill(PAD_ID);
    const padding = new Float32Array(ids.length).fill(1);
    indices.forEach((index, row) => {
      const text = texts[index]!;
      ids.set(text, row * length);
      padding.fill(0, row * length, row * length + text.length);
    });
    const { sequence } = await encoder.run({
      ids: { dtype: 'int32', shape, data: ids },
      padding: { dtype: 'float32', shape, data: padding },
    });
    const states = sequence!.data as Float32Array;
    const width = sequence!.shape[2]!;
    indices.forEach((index, row) => {
      const start = row * length * width;
      results[index] = states.subarray(start, start + texts[index]!.length * width);
    });
  }
  return results;
}

/** Texts as they come, padded to the longest of their batch or to `length`. */
function inOrder(lengths: readonly number[], length?: number): LengthBucket[] {
  const all = [...lengths.keys()];
  return Array.from({ length: Math.ceil(all.length / BATCH) }, (_, b) => {
    const indices = all.slice(b * BATCH, (b + 1) * BATCH);
    return { indices, length: length ?? Math.max(...indices.map((index) => lengths[index]!)) };
  });
}

/** Ids of texts drawn from the emoji captions and WordNet's glosses, `<s>` and `</s>` included. */
async function tokenizedTexts(config: ModelConfig): Promise<Int32Array[]> {
  const corpus = await emojiCorpus();
  const order = draw(0, 'texts').permutation(corpus.size);
  const texts: string[] = [];
  for (const index of order) texts.push((await corpus.get(index)).text);
  const { spm } = trainUnigram(texts, { vocabSize: config.vocabularySize - 2 });
  const tokenizer = textTokenizer(spm);
  return texts.slice(0, TEXTS).map((text) => {
    const { ids, length } = tokenizer.encodeForModel(text, LONGEST);
    return ids.slice(0, length);
  });
}

function paddedTokens(buckets: readonly LengthBucket[]): number {
  return buckets.reduce((sum, { indices, length }) => sum + indices.length * length, 0);
}

function largestDifference(mine: readonly Float32Array[], theirs: readonly Float32Array[]): number {
  let most = 0;
  mine.forEach((states, text) => {
    states.forEach((x, i) => {
      most = Math.max(most, Math.abs(x - theirs[text]![i]!));
    });
  });
  return most;
}
