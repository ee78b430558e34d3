import type { EncoderOptions, ImageInput, ModelConfig, Parameters } from '@imglish/core';
import { embedImages, embedTexts, inverseTemperature } from '@imglish/pretrain';
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core';

/** The head is that of image–text contrast in pretraining, and the towers are the same. */
export { contrastiveHeadSpecs as headSpecs, embedImages, embedTexts } from '@imglish/pretrain';

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
    scale: inverseTemperature(parameters),
  };
}
