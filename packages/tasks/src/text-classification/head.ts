import {
  beit3,
  type EncoderOptions,
  firstVectors,
  linearSpecs,
  type ModelConfig,
  namedLinear,
  namedNorm,
  normSpecs,
  type ParameterSpecs,
  type Parameters,
} from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';

/** As the other heads for classes begin (modeling_finetune.py:121-124). */
const INIT_SCALE = 0.001;

export interface TextClassificationOptions {
  classes: number;
}

export interface TextInputs {
  /** `[B, T]` int32: `<s>` words `</s>` `<pad>`. */
  textIds: Tensor2D;
  /** 1 at padding `[B, T]`. */
  paddingMask?: Tensor2D;
}

/** `text_norm`, `text_head`. */
export function headSpecs(
  { dim }: ModelConfig,
  { classes }: TextClassificationOptions,
): ParameterSpecs {
  return {
    ...normSpecs('text_norm', dim),
    ...linearSpecs('text_head', dim, classes, { scale: INIT_SCALE }),
  };
}

/**
 * logits = text_head(text_norm(x₀)) `[B, classes]`, x₀ the text's `<s>`. This head is this project's: the
 * reference has none for texts alone.
 */
export function forward(
  parameters: Parameters,
  config: ModelConfig,
  { textIds, paddingMask }: TextInputs,
  encoder?: EncoderOptions,
): { logits: Tensor2D } {
  const { sequence } = beit3(parameters, config, { textIds, paddingMask }, encoder);
  const first = firstVectors(sequence); // [B, D]
  const normed = namedNorm(first, parameters, 'text_norm', config);
  return { logits: namedLinear(normed, parameters, 'text_head') as Tensor2D };
}
