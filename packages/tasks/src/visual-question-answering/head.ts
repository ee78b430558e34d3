import {
  beit3,
  type EncoderOptions,
  firstVectors,
  type ImageInput,
  linearSpecs,
  type ModelConfig,
  namedLinear,
  namedNorm,
  normSpecs,
  ops,
  type ParameterSpecs,
  type Parameters,
} from '@imglish/core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';

export interface AnsweringOptions {
  /** Size of the answer vocabulary; 3129 for VQAv2. */
  answers: number;
}

export interface QuestionInputs {
  image: ImageInput;
  /** `[B, T]` int32: `<s>` words `</s>` `<pad>`. */
  textIds: Tensor2D;
  /** 1 at padding `[B, T]`. */
  paddingMask?: Tensor2D;
}

/** `pooler.{norm,dense}`, then `head.{0,1,3}` (index 2 is the GELU between). */
export function headSpecs({ dim }: ModelConfig, { answers }: AnsweringOptions): ParameterSpecs {
  return {
    ...normSpecs('pooler.norm', dim),
    ...linearSpecs('pooler.dense', dim, dim),
    ...linearSpecs('head.0', dim, 2 * dim),
    ...normSpecs('head.1', 2 * dim),
    ...linearSpecs('head.3', 2 * dim, answers),
  };
}

/**
 * pooled = tanh(dense(norm(x₀))), x₀ the image's `<cls>`; logits = W₃ gelu(LN(W₀ pooled))
 * `[B, answers]` (modeling_finetune.py:42-57, 193-226).
 */
export function forward(
  parameters: Parameters,
  config: ModelConfig,
  { image, textIds, paddingMask }: QuestionInputs,
  encoder?: EncoderOptions,
): { logits: Tensor2D } {
  const affine = (x: Tensor, name: string) => namedLinear(x, parameters, name);
  const norm = (x: Tensor, name: string) => namedNorm(x, parameters, name, config);
  const { sequence } = beit3(parameters, config, { image, textIds, paddingMask }, encoder);
  const first = firstVectors(sequence); // [B, D]
  const pooled = ops.tanh(affine(norm(first, 'pooler.norm'), 'pooler.dense')); // [B, D]
  const hidden = ops.gelu(norm(affine(pooled, 'head.0'), 'head.1')); // [B, 2D]
  return { logits: affine(hidden, 'head.3') as Tensor2D };
}
