import {
  beit3,
  type EncoderOptions,
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
import type { Tensor2D } from '@tensorflow/tfjs-core';

/** Head weights begin this much smaller (modeling_finetune.py:121-124). */
const INIT_SCALE = 0.001;

export interface ClassificationOptions {
  classes: number;
}

/** `fc_norm`, `head`. */
export function headSpecs(config: ModelConfig, { classes }: ClassificationOptions): ParameterSpecs {
  return {
    ...normSpecs('fc_norm', config.dim),
    ...linearSpecs('head', config.dim, classes, { scale: INIT_SCALE }),
  };
}

/** logits = head(fc_norm(mean of the patches, `<cls>` left out)) `[B, classes]`. */
export function forward(
  parameters: Parameters,
  config: ModelConfig,
  { image }: { image: ImageInput },
  encoder?: EncoderOptions,
): { logits: Tensor2D } {
  const { sequence } = beit3(parameters, config, { image }, encoder);
  const patches = ops.slice(sequence, [0, 1, 0], [-1, -1, -1]); // [B, P, D]
  const pooled = namedNorm(ops.mean(patches, 1), parameters, 'fc_norm', config); // [B, D]
  return { logits: namedLinear(pooled, parameters, 'head') as Tensor2D };
}
