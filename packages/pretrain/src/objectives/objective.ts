import type { EncoderOptions, ModelConfig, ParameterSpecs, Parameters } from '@imglish/core';
import type { TextTokenizer, VisualTokenizer } from '@imglish/tokenizers';
import type { LossTerm } from '@imglish/train';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { MaskRatios } from '../batches/masked-example.js';
import type { StreamMix } from '../batches/pretrain-batches.js';
import type { Samples } from '../batches/samples.js';
import type { StepPairs } from './step-pairs.js';

/**
 * What a model is pretrained by. A step may have several: each makes its own inputs of the same
 * samples, runs the model on them, and gives terms of the loss.
 *
 * `I` is what it reads of a batch: plain objects of tensors, and numbers under the keys `count` and
 * `size` only, as a compiled step asks for.
 */
export interface Objective<I = unknown> {
  readonly name: string;
  /** Streams that it reads, each where the mix has samples of it; one of them has to be there. */
  readonly streams: readonly (keyof StreamMix)[];
  /** Its terms of the loss, by their names in logs and weights; no two objectives share one. */
  readonly parts: readonly string[];
  /** Objectives that it cannot do without. */
  readonly needs: readonly string[];
  /** Whether it predicts codes of a visual tokenizer. */
  readonly predictsCodes: boolean;
  /** Parameters of its head besides the backbone's; `codes` of the visual tokenizer. */
  headSpecs(config: ModelConfig, codes: number): ParameterSpecs;
  /** Makes batches of samples; throws `ConfigError` for what does not fit it. */
  reader(options: ObjectiveData): (index: number, samples: Samples) => Promise<I>;
  /** The count of every term that `losses` will give. */
  counts(inputs: I): Record<string, number>;
  losses(
    parameters: Parameters,
    config: ModelConfig,
    inputs: I,
    encoder: EncoderOptions,
  ): Record<string, LossTerm>;
  /** Both sides of its pairs as unit vectors, which `complete` is given of the whole step. */
  features?(
    parameters: Parameters,
    config: ModelConfig,
    inputs: I,
    encoder: EncoderOptions,
  ): PairFeatures;
  /** What its loss needs of the other batches of a step, on all ranks. */
  readonly completion?: Completion<I>;
}

export interface Completion<I> {
  /** Whether a step of one batch needs it, too. */
  readonly always: boolean;
  /**
   * This rank's inputs, with what they need of all pairs of the step. Takes the inputs over, unless it
   * throws; called on all ranks.
   */
  complete(inputs: readonly I[], step: StepPairs): Promise<I[]>;
}

/** Unit vectors `[B, D]` of both sides of pairs, and the temperature's inverse. */
export interface PairFeatures {
  image: Tensor2D;
  text: Tensor2D;
  scale: Scalar;
}

/** What objectives make their inputs with. */
export interface ObjectiveData {
  config: ModelConfig;
  tokenizer: TextTokenizer;
  visualTokenizer?: VisualTokenizer | undefined;
  mix: StreamMix;
  ratios: MaskRatios;
  seed: number;
  /** Ids of a text alone, `<s>` and `</s>` included. */
  maxTextLength: number;
  /** Ids of the text of a pair. */
  maxCaptionLength: number;
}
