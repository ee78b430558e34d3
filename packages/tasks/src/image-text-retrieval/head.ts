import {
  beit3,
  type EncoderOptions,
  type ImageInput,
  linearSpecs,
  type ModelConfig,
  ops,
  type ParameterSpecs,
  type Parameters,
  parameter,
} from '@imglish/core';
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core';

/** CLIP's temperature at the start (modeling_finetune.py:242). */
const INITIAL_TEMPERATURE = 0.07;

export interface RetrievalInputs {
  image: ImageInput;
  /** `[B, T]` int32. */
  textIds: Tensor2D;
  /** 1 at padding `[B, T]`. */
  paddingMask?: Tensor2D;
}

export interface RetrievalOutputs extends Record<string, Tensor> {
  /** Unit vectors `[B, D]`. */
  image: Tensor2D;
  /** Unit vectors `[B, D]`. */
  text: Tensor2D;
  /** exp(logit_scale). */
  scale: Scalar;
}

/** `vision_head`, `language_head` (no bias), `logit_scale` (a logarithm). */
export function headSpecs({ dim }: ModelConfig): ParameterSpecs {
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
  return projected(parameters, config, sequence, 'vision_head');
}

/** The text's vector: language_head of `<s>` of a pass of its own, L2-normalised `[B, D]`. */
export function embedTexts(
  parameters: Parameters,
  config: ModelConfig,
  inputs: Pick<RetrievalInputs, 'textIds' | 'paddingMask'>,
  encoder?: EncoderOptions,
): Tensor2D {
  const { sequence } = beit3(parameters, config, inputs, encoder);
  return projected(parameters, config, sequence, 'language_head');
}

/** Both vectors of every pair, and the temperature's inverse (modeling_finetune.py:229-275). */
export function forward(
  parameters: Parameters,
  config: ModelConfig,
  { image, ...text }: RetrievalInputs,
  encoder?: EncoderOptions,
): RetrievalOutputs {
  return {
    image: embedImages(parameters, config, image, encoder),
    text: embedTexts(parameters, config, text, encoder),
    scale: ops.exp(parameter(parameters, 'logit_scale')) as Scalar,
  };
}

function projected(
  parameters: Parameters,
  config: ModelConfig,
  sequence: Tensor,
  head: string,
): Tensor2D {
  const first = ops.reshape(ops.slice(sequence, [0, 0, 0], [-1, 1, -1]), [-1, config.dim]); // [B, D]
  return ops.l2Normalize(ops.linear(first, parameter(parameters, `${head}.weight`))) as Tensor2D;
}
