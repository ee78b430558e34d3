import {
  beit3,
  ConfigError,
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
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';

const INIT_SCALE = 0.001;

export interface ReasoningOptions {
  /** 2: the statement is false or true. */
  classes: number;
}

export interface StatementInputs {
  imageA: ImageInput;
  imageB: ImageInput;
  /** `[B, T]` int32, about both images. */
  textIds: Tensor2D;
  /** 1 at padding `[B, T]`. */
  paddingMask?: Tensor2D;
}

/** `head.{norm1,dense1,norm2,dense2}` on the four pooled vectors. */
export function headSpecs({ dim }: ModelConfig, { classes }: ReasoningOptions): ParameterSpecs {
  return {
    ...normSpecs('head.norm1', 4 * dim),
    ...linearSpecs('head.dense1', 4 * dim, 2 * dim, { scale: INIT_SCALE }),
    ...normSpecs('head.norm2', 2 * dim),
    ...linearSpecs('head.dense2', 2 * dim, classes, { scale: INIT_SCALE }),
  };
}

/**
 * Each image goes through the model with the same text; [visionᵃ, languageᵃ, visionᵇ, languageᵇ],
 * the first row of either modality in either pass `[B, 4D]`, then
 * dense2(gelu(norm2(dense1(norm1(·))))) `[B, classes]` (modeling_finetune.py:28-39, 86-103).
 *
 * Both passes run as one batch of 2B, so drop path has 2B samples: all of pass a, then pass b.
 */
export function forward(
  parameters: Parameters,
  config: ModelConfig,
  inputs: StatementInputs,
  encoder?: EncoderOptions,
): { logits: Tensor2D } {
  const { textIds, paddingMask } = inputs;
  const { image, text } = beit3(
    parameters,
    config,
    {
      image: bothImages(inputs.imageA, inputs.imageB),
      textIds: ops.concat([textIds, textIds], 0),
      paddingMask: paddingMask && ops.concat([paddingMask, paddingMask], 0),
    },
    encoder,
  );
  const [batch] = textIds.shape;
  const first = (x: Tensor, pass: number) =>
    ops.reshape(ops.slice(x, [pass * batch, 0, 0], [batch, 1, -1]), [batch, config.dim]);
  const pooled = ops.concat(
    [first(image!, 0), first(text!, 0), first(image!, 1), first(text!, 1)],
    1,
  ); // [B, 4D]
  const affine = (x: Tensor, name: string) => namedLinear(x, parameters, `head.${name}`);
  const norm = (x: Tensor, name: string) => namedNorm(x, parameters, `head.${name}`, config);
  const hidden = affine(norm(pooled, 'norm1'), 'dense1'); // [B, 2D]
  return { logits: affine(ops.gelu(norm(hidden, 'norm2')), 'dense2') as Tensor2D };
}

function bothImages(a: ImageInput, b: ImageInput): ImageInput {
  if ('pixels' in a && 'pixels' in b) return { pixels: ops.concat([a.pixels, b.pixels], 0) };
  if ('patches' in a && 'patches' in b) {
    return { patches: ops.concat([a.patches, b.patches], 0), grid: a.grid };
  }
  throw new ConfigError({
    code: 'config/mixed-images',
    where: 'visualReasoning.forward',
    expected: 'both images as pixels, or both as patches',
    got: 'one of each',
  });
}
