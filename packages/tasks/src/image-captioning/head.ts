import {
  beit3,
  type EncoderOptions,
  type ImageInput,
  linearSpecs,
  type ModelConfig,
  namedLinear,
  ops,
  type ParameterSpecs,
  type Parameters,
} from '@imglish/core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

export interface CaptioningInputs {
  image: ImageInput;
  /** Words with some replaced by `<mask>` `[B, T]` int32. */
  textIds: Tensor2D;
  /** 1 at padding `[B, T]`. */
  paddingMask?: Tensor2D;
  /** 1 = hidden, `[N, N]` of image and text: core's `unidirectionalMask`. */
  attentionMask: Tensor2D;
  /** Which words are predicted: row-major indices into `[B, T]`, `[M]` int32. */
  slots: Tensor1D;
}

/** `mlm_head`: no transform layer, no weight tying. */
export function headSpecs({ dim, vocabularySize }: ModelConfig): ParameterSpecs {
  return linearSpecs('mlm_head', dim, vocabularySize);
}

/** logits = mlm_head(x) at the slots of the text `[M, V]` (modeling_finetune.py:139-190). */
export function forward(
  parameters: Parameters,
  config: ModelConfig,
  { slots, attentionMask, ...inputs }: CaptioningInputs,
  encoder?: EncoderOptions,
): { logits: Tensor2D } {
  const { text } = beit3(parameters, config, inputs, { ...encoder, attentionMask });
  const words = ops.reshape(text!, [-1, config.dim]) as Tensor2D; // [B T, D]
  return { logits: namedLinear(ops.gatherRows(words, slots), parameters, 'mlm_head') };
}
