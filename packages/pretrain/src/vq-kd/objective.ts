import { type LossAndAux, ops, type Parameters, withoutTape } from '@imglish/core';
import { pixelDecoder, pixelLoss, type VqKdConfig, vqKd, vqKdLosses } from '@imglish/tokenizers';
import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

const { add, mul } = ops;

/** Images as patches of −1 … 1 and what the teacher makes of them; the caller owns both. */
export interface VqKdBatch {
  /** `[B, N, 3 p p]`. */
  readonly patches: Tensor3D;
  /** `[B, N, T]`. */
  readonly target: Tensor3D;
}

/** Σ over patches of the parts of the loss; `pixels` only with a pixel decoder. */
export const VQ_KD_STREAMS = ['distillation', 'commitment', 'pixels'] as const;

/**
 * What training minimises: the mean over patches of distillation + commitment (+ the squared error of
 * the pictures); beside it the sums of `VQ_KD_STREAMS`, and the normalised vectors `z` `[B N, C]` with
 * their `codes`.
 *
 * The pixel decoder learns beside the rest: its gradient ends at the decoder's features, so that
 * nothing but the teacher decides what codes mean.
 */
export function vqKdObjective(
  config: VqKdConfig,
  learnt: Parameters,
  codebook: Tensor2D,
  { patches, target }: VqKdBatch,
): LossAndAux {
  const parameters = { ...learnt, 'quantize.embedding.weight': codebook };
  const output = vqKd(parameters, config, patches);
  const { distillation, commitment, count } = vqKdLosses(output, target);
  const total: Scalar = add(distillation, commitment);
  const aux = { distillation, commitment, z: output.z, codes: output.codes };
  if (!config.pixelDecoder) return { loss: mul(total, 1 / count) as Scalar, aux };
  const decoded = withoutTape(() => output.decoded.clone()) as Tensor3D;
  const pixels = pixelLoss(pixelDecoder(parameters, decoded), patches);
  return { loss: mul(add(total, pixels), 1 / count) as Scalar, aux: { ...aux, pixels } };
}

/** Whether a parameter belongs to the pixel decoder, which learns by itself. */
export function isOfPixelDecoder(name: string): boolean {
  return name.startsWith('pixel_layer.');
}
