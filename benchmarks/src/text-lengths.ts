import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from '@imglish/backend-onnx/node';
import { wasm } from '@imglish/backend-wasm/node';
import {
  backboneSpecs,
  beit3,
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

const TEXTS = 512;
const BATCH = 32;
/** What the reference pads every text to. */
const PADDED = 64;

/** Texts of many lengths: all padded alike, batch by batch, or grouped by length. */
export async function textLengths(options: RaceOptions): Promise<Report> {
  const config: ModelConfig = { ...preset('small'), variant: 'released', fusionLayers: 0 };
  const threads = availableParallelism();
  const texts = await tokenizedTexts(config);
  const lengths = texts.map(({ length }) => length);
  const folder = await mkdtemp(join(tmpdir(), 'imglish-bench-'));
  const backend = await onnx(await wasm(), { threads });
  try {
    await writeRandomModel(folder, config);
    const model = await readModelDirectory(fileDirectory(folder));
    const parameters = parameterSource(model.tensors, { specs: backboneSpecs(config) });
    await model.close();
    const sizes = { 0: 'batch', 1: 'text' };
    const shape = [BATCH, PADDED];
    const encoder = await backend.compiler!.compile(
      ({ ids, padding }, p) => {
        const inputs = { textIds: ids as Tensor2D, paddingMask: padding as Tensor2D };
        return { sequence: beit3(p, config, inputs).sequence };
      },
      { ids: { shape, dtype: 'int32' }, padding: { shape, dtype: 'float32' } },
      { parameters, freeSizes: { ids: sizes, padding: sizes }, name: 'text encoder' },
    );

    /** Hidden states of every text, without those of padding. */
    const encode = async (buckets: readonly LengthBucket[]): Promise<Float32Array[]> => {
      const results: Float32Array[] = [];
      for (const { indices, length } of buckets) {
        const shape = [indices.length, length];
        const ids = new Int32Array(indices.length * length).fill(1);
        const padding = new Float32Array(ids.length).fill(1);
        indices.forEach((index, row) => {
          ids.set(texts[index]!, row * length);
          padding.fill(0, row * length, row * length + lengths[index]!);
        });
        const { sequence } = await encoder.run({
          ids: { dtype: 'int32', shape, data: ids },
          padding: { dtype: 'float32', shape, data: padding },
        });
        const states = sequence!.data as Float32Array;
        indices.forEach((index, row) => {
          const start = row * length * config.dim;
          results[index] = states.subarray(start, start + lengths[index]! * config.dim);
        });
      }
      return results;
    };
    const inOrder = (length?: number): LengthBucket[] =>
      Array.from({ length: Math.ceil(TEXTS / BATCH) }, (_, b) => {
        const indices = [...lengths.keys()].slice(b * BATCH, (b + 1) * BATCH);
        return { indices, length: length ?? Math.max(...indices.map((i) => lengths[i]!)) };
      });
    const outputs = new Map<string, Float32Array[]>();
    const side = (name: string, buckets: readonly LengthBucket[]): Side => ({
      name,
      settings: `${padded(buckets)} tokens with padding`,
      run: async (runs) => {
        const times: number[] = [];
        for (let i = 0; i < runs; i++) {
          const begun = performance.now();
          outputs.set(name, await encode(buckets));
          times.push((performance.now() - begun) / 1000);
        }
        return times;
      },
    });
    const ours = side('grouped by length', lengthBuckets(lengths, { batch: BATCH }));
    const peers = [
      side('padded to the longest of the batch', inOrder()),
      side(`padded to ${PADDED}`, inOrder(PADDED)),
    ];
    const { standings, absences } = await race(ours, peers, options);
    await encoder.dispose();
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    return {
      benchmark: 'text-lengths',
      what: `${TEXTS} captions and glosses, ${tokens} tokens, in batches of ${BATCH}; text encoder as released, width 256, 6 layers`,
      machine: machine(threads),
      cases: [
        {
          name: 'hidden states of all texts',
          samples: TEXTS,
          standings,
          absences,
          differences: Object.fromEntries(
            peers
              .filter(({ name }) => outputs.has(name))
              .map(({ name }) => [name, difference(outputs.get(ours.name)!, outputs.get(name)!)]),
          ),
        },
      ],
    };
  } finally {
    backend.dispose();
    await rm(folder, { recursive: true, force: true });
  }
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
    const { ids, length } = tokenizer.encodeForModel(text, PADDED);
    return ids.slice(0, length);
  });
}

function padded(buckets: readonly LengthBucket[]): number {
  return buckets.reduce((sum, { indices, length }) => sum + indices.length * length, 0);
}

function difference(mine: readonly Float32Array[], theirs: readonly Float32Array[]): number {
  let most = 0;
  mine.forEach((states, text) => {
    states.forEach((x, i) => {
      most = Math.max(most, Math.abs(x - theirs[text]![i]!));
    });
  });
  return most;
}
