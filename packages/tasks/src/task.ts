import type { EncoderOptions, ModelConfig, ParameterSpecs, Parameters } from '@imglish/core';
import type { LossTerm } from '@imglish/train';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * A task of BEiT-3: a head on the backbone, and the loss it is tuned by.
 *
 * `Inputs` is a batch as tensors, `Options` what sizes the head, `Outputs` what the head gives.
 * Call `forward` and `loss` inside `tidy` or `valueAndGradients`.
 */
export interface Task<Inputs, Options, Outputs extends Record<string, Tensor>> {
  readonly name: string;
  /** Whether the backbone of this task ends with a norm (reference: modeling_finetune.py). */
  readonly normalizeOutput: boolean;
  /** The head's parameters by their official names; the backbone's are core's `backboneSpecs`. */
  headSpecs(config: ModelConfig, options: Options): ParameterSpecs;
  forward(
    parameters: Parameters,
    config: ModelConfig,
    inputs: Inputs,
    encoder?: EncoderOptions,
  ): Outputs;
  loss(outputs: Outputs, inputs: Inputs): LossTerm;
}
