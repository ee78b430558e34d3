import {
  beit3,
  type EncoderOptions,
  firstVectors,
  type ImageInput,
  linearSpecs,
  type ModelConfig,
  ops,
  type ParameterSpecs,
  type Parameters,
  parameter,
} from '@imglish/core';
import {
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { dropPathOf } from '../batches/drop-path.js';
import { numbersOf, type Samples } from '../batches/samples.js';
import { type AllFeatures, contrastiveLoss, gatheredContrastiveLoss } from './contrastive-loss.js';
import type { Objective, ObjectiveData, PairFeatures } from './objective.js';
import { type PlainPairs, plainPairs } from './plain-pairs.js';

/** CLIP's temperature at the start (modeling_finetune.py:242). */
const INITIAL_TEMPERATURE = 0.07;

export interface ContrastiveInputs extends PlainPairs {
  count: number;
  imageDropPath?: Tensor3D | undefined;
  textDropPath?: Tensor3D | undefined;
  /** Of all pairs of the step, where these are not all. */
  all?: AllFeatures;
}

/** `vision_head`, `language_head` (no bias), `logit_scale` (a logarithm): the head of retrieval. */
export function contrastiveHeadSpecs({ dim }: ModelConfig): ParameterSpecs {
  return {
    logit_scale: {
      shape: [],
      init: { kind: 'constant', value: Math.log(1 / INITIAL_TEMPERATURE) },
    },
    ...linearSpecs('language_head', dim, dim, { bias: false }),
    ...linearSpecs('vision_head', dim, dim, { bias: false }),
  };
}

/** The image's vector: vision_head of `<cls>` of a pass of its own, L2-normalised `[B, D]`. */
export function embedImages(
  parameters: Parameters,
  config: ModelConfig,
  image: ImageInput,
  encoder?: EncoderOptions,
): Tensor2D {
  const { sequence } = beit3(parameters, config, { image }, encoder);
  return projected(parameters, sequence, 'vision_head');
}

/** The text's vector: language_head of `<s>` of a pass of its own, L2-normalised `[B, D]`. */
export function embedTexts(
  parameters: Parameters,
  config: ModelConfig,
  inputs: { textIds: Tensor2D; paddingMask?: Tensor2D },
  encoder?: EncoderOptions,
): Tensor2D {
  const { sequence } = beit3(parameters, config, inputs, encoder);
  return projected(parameters, sequence, 'language_head');
}

/** exp(logit_scale), the temperature's inverse. */
export function inverseTemperature(parameters: Parameters): Scalar {
  return ops.exp(parameter(parameters, 'logit_scale')) as Scalar;
}

/**
 * Image–text contrast (CLIP, arXiv 2103.00020, as BEiT-3's retrieval has it): images and texts are
 * each read alone, and each has to be nearest its partner among all of the step, whichever
 * micro-batch or rank has them.
 */
export const imageTextContrastive: Objective<ContrastiveInputs> = {
  name: 'image-text-contrastive',
  streams: ['pair'],
  parts: ['contrastive'],
  needs: [],
  predictsCodes: false,
  headSpecs: contrastiveHeadSpecs,
  reader,
  counts: ({ count }) => ({ contrastive: count }),
  losses(parameters, config, inputs, encoder) {
    const { all, count } = inputs;
    const features = pairFeatures(parameters, config, inputs, encoder);
    const sum = all ? gatheredContrastiveLoss(features, all) : contrastiveLoss(features);
    return { contrastive: { sum, count } };
  },
  features: pairFeatures,
  completion: {
    always: false,
    async complete(inputs, { count, features: { image, text, dim } }) {
      return inputs.map((own) => ({
        ...own,
        all: { image: tensor2d(image, [count, dim]), text: tensor2d(text, [count, dim]) },
      }));
    },
  },
};

function reader(data: ObjectiveData) {
  const { config, mix, seed } = data;
  const read = plainPairs(data);
  return async (index: number, samples: Samples): Promise<ContrastiveInputs> => {
    const numbers = numbersOf(index, mix.pair);
    const pairs = await read(numbers, samples);
    return {
      ...pairs,
      count: mix.pair,
      imageDropPath: dropPathOf(config, seed, 'contrastive image', numbers),
      textDropPath: dropPathOf(config, seed, 'contrastive text', numbers),
    };
  };
}

function pairFeatures(
  parameters: Parameters,
  config: ModelConfig,
  { image, textIds, paddingMask, imageDropPath, textDropPath }: ContrastiveInputs,
  encoder: EncoderOptions,
): PairFeatures {
  const text = { textIds, paddingMask };
  return {
    image: embedImages(parameters, config, image, { ...encoder, dropPath: imageDropPath }),
    text: embedTexts(parameters, config, text, { ...encoder, dropPath: textDropPath }),
    scale: inverseTemperature(parameters),
  };
}

function projected(parameters: Parameters, sequence: Tensor, head: string): Tensor2D {
  const first = firstVectors(sequence); // [B, D]
  return ops.l2Normalize(ops.linear(first, parameter(parameters, `${head}.weight`))) as Tensor2D;
}
