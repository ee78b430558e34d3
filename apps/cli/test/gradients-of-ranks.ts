/**
 * One rank of some steps of pretraining by SGD: `node gradients-of-ranks.mjs SAMPLES TOKENIZER OUT`.
 * A step has SAMPLES of each stream, shared out among the ranks; rank 0 writes what came out as JSON.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpu } from '@imglish/backend-cpu';
import {
  type Dataset,
  disposeAll,
  draw,
  initializeParameters,
  modelConfig,
  preset,
} from '@imglish/core';
import { openMpi } from '@imglish/mpi/node';
import { pretrainBatches, pretrainLoss, pretrainSpecs } from '@imglish/pretrain';
import { defaultPreprocessor, KMeansTokenizer, textTokenizer } from '@imglish/tokenizers';
import { stepGradients } from '@imglish/train';
import { mul, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** What rank 0 found. */
export interface Outcome {
  /** Of each step, by stream. */
  losses: Record<string, number>[];
  /** Of the first step. */
  gradients: Record<string, number[]>;
  /** After the last step. */
  parameters: Record<string, number[]>;
}

const [samples, spm, out] = [Number(process.argv[2]), process.argv[3]!, process.argv[4]!];
const [STEPS, RATE, CODES, EXAMPLES] = [3, 0.5, 7, 20];

await cpu();
const communicator = await openMpi();
const { rank, size } = communicator;
const config = modelConfig({
  ...preset('tiny'),
  ...{ imageSize: [16, 16], dim: 16, heads: 2, ffnDim: 24, layers: 2, vocabularySize: 1002 },
  dropPathRate: 0.2,
});

const picture = (index: number) => {
  const random = draw(1, 'picture', index);
  const data = Uint8Array.from({ length: 3 * 16 * 16 }, () => random.integer(256));
  return { width: 16, height: 16, data };
};
const dataset = <T>(example: (index: number) => T): Dataset<T> => ({
  size: EXAMPLES,
  get: async (index) => example(index),
});
const caption = (index: number): string =>
  ['a square', 'on a blue house', 'the cat and a dog', 'two'].slice(0, 1 + (index % 4)).join(' ');
const codebook = Float32Array.from({ length: CODES * 3 * config.patchSize ** 2 }, (_, i) =>
  Math.sin(i),
);
const batches = pretrainBatches({
  config,
  seed: 4,
  texts: dataset((index) => ({ id: `${index}`, text: caption(index + 1) })),
  images: dataset((index) => ({ id: `${index}`, image: picture(index) })),
  pairs: dataset((i) => ({ id: `${i}`, image: picture(i + 50), captions: [caption(i)] })),
  tokenizer: textTokenizer(new Uint8Array(readFileSync(spm))),
  visualTokenizer: new KMeansTokenizer(config.patchSize, codebook),
  preprocessor: defaultPreprocessor(config.imageSize),
  mix: { text: samples / size, image: samples / size, pair: samples / size },
  maxTextLength: 12,
});

const valuesOf = (tensors: Readonly<Record<string, Tensor>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, [...x.dataSync()]]));

let parameters: Record<string, Tensor> = initializeParameters(pretrainSpecs(config, CODES), 2);
const outcome: Outcome = { losses: [], gradients: {}, parameters: {} };
for (let step = 0; step < STEPS; step++) {
  const index = step * size + rank;
  const batch = await batches(index);
  const { gradients, losses } = await stepGradients({
    ...{ step, parameters, communicator },
    batches: [{ index, batch }],
    loss: pretrainLoss(config),
    weights: { text: 1, image: 1, pairText: 1, pairImage: 1 },
  });
  outcome.losses.push({ ...losses });
  if (step === 0) outcome.gradients = valuesOf(gradients);
  const next = Object.entries(parameters).map(([name, x]) => {
    const gradient = gradients[name];
    return [name, gradient ? tidy(() => sub(x, mul(gradient, RATE))) : x.clone()] as const;
  });
  disposeAll(parameters);
  disposeAll(gradients);
  parameters = Object.fromEntries(next);
}
outcome.parameters = valuesOf(parameters);
if (rank === 0) writeFileSync(out, JSON.stringify(outcome));
await communicator.close();
