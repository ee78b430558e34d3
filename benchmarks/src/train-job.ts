import { draw, type ModelConfig, type Parameters, patchGrid } from '@imglish/core';
import { type PretrainBatch, pretrainLoss } from '@imglish/pretrain';
import { parameterGroups, type TrainOptions } from '@imglish/train';
import { tensor1d, tensor2d, tensor4d } from '@tensorflow/tfjs-core';

export const WORDS = 24;
/** Half of the words between `<s>` and `</s>`, and 40 % of the patches, as in the paper. */
export const MASKED_WORDS = 11;
export const MASKED_PATCHES = 26;
export const CODES = 1024;
/** The paper's, at a constant rate. */
export const RECIPE = {
  codes: CODES,
  lr: 1e-3,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-6,
  weightDecay: 0.05,
  maxGradientNorm: 3,
};

export interface HostSlots {
  positions: Int32Array;
  labels: Int32Array;
}

export interface HostBatch {
  pixels: Float32Array;
  pixelShape: [number, number, number, number];
  patches: number;
  ids: Int32Array;
  imageMask: Float32Array;
  words: HostSlots;
  codes: HostSlots;
}

/** Random pairs, masked as in the paper; so many of them. */
export function randomBatch(config: ModelConfig, size: number): HostBatch {
  const random = draw(0, 'batch');
  const [height, width] = config.imageSize;
  const [rows, columns] = patchGrid(config);
  const patches = rows * columns;
  const slots = (each: number, length: number, classes: number): HostSlots => {
    const chosen = Array.from({ length: size }, (_, sample) =>
      [...random.permutation(length).subarray(0, each)].map((at) => sample * length + at),
    );
    const labels = Int32Array.from({ length: size * each }, () => random.integer(classes));
    return { positions: Int32Array.from(chosen.flat()), labels };
  };
  const codes = slots(MASKED_PATCHES, patches, CODES);
  const imageMask = new Float32Array(size * patches);
  for (const at of codes.positions) imageMask[at] = 1;
  return {
    pixels: Float32Array.from({ length: size * 3 * height * width }, () => random.normal()),
    pixelShape: [size, 3, height, width],
    patches,
    ids: Int32Array.from({ length: size * WORDS }, () => random.integer(config.vocabularySize)),
    imageMask,
    words: slots(MASKED_WORDS, WORDS, config.vocabularySize),
    codes,
  };
}

/** The same batch for every step, made anew each time, as `train` disposes it. */
export function trainOptions(
  config: ModelConfig,
  parameters: Parameters,
  host: HostBatch,
  recompute = false,
): TrainOptions<PretrainBatch> {
  const slots = ({ positions, labels }: HostSlots) => ({
    positions: tensor1d(positions, 'int32'),
    labels: tensor1d(labels, 'int32'),
    weights: tensor1d(new Float32Array(labels.length).fill(1)),
    count: labels.length,
  });
  const batches = async (): Promise<PretrainBatch> => ({
    size: host.pixelShape[0],
    pair: {
      inputs: {
        image: { pixels: tensor4d(host.pixels, host.pixelShape) },
        imageMask: tensor2d(host.imageMask, [host.pixelShape[0], host.patches]),
        textIds: tensor2d(host.ids, [host.pixelShape[0], WORDS], 'int32'),
      },
      words: slots(host.words),
      patches: slots(host.codes),
    },
  });
  const { lr, weightDecay, maxGradientNorm, beta1, beta2, epsilon } = RECIPE;
  return {
    parameters,
    loss: pretrainLoss(config, { recompute }),
    batches,
    counts: ({ pair }) => ({ pairText: pair!.words.count, pairImage: pair!.patches.count }),
    steps: Number.MAX_SAFE_INTEGER,
    schedule: () => lr,
    groups: parameterGroups(parameters, { weightDecay }),
    weights: { pairText: 1, pairImage: 1 },
    maxGradientNorm,
    adamW: { beta1, beta2, epsilon },
  };
}
