import {
  namedLinear,
  ops,
  type Parameters,
  type Probe,
  parameter,
  ShapeError,
} from '@imglish/core';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { VqKdConfig } from './config.js';
import { type Quantized, quantize } from './quantize.js';
import { visionTransformer } from './vision-transformer.js';

const { gather, gelu, l2Normalize, mean, mul, reshape, scalar, square, sub, sum, tanh } = ops;

export interface VqKdOutput extends Quantized {
  /** What is quantized `[B N, C]`, before it is normalised. */
  readonly vectors: Tensor2D;
  /** Features of the decoder `[B, N, D]`. */
  readonly decoded: Tensor3D;
  /** The teacher's features as predicted from the codes `[B, N, T]`. */
  readonly prediction: Tensor3D;
}

/**
 * VQ-KD (BEiT v2, arXiv 2208.06366, section 2.2): patches `[B, N, 3 p p]` of pixels in −1 … 1 →
 * encoder → one code of a codebook per patch → decoder → the features of a teacher.
 *
 * The codebook is `quantize.embedding.weight` of the parameters. `probe` is shown what
 * `visionTransformer` shows, `encoder_features` `[B, N, D]` and `decoder_features` `[B, N, D]`.
 */
export function vqKd(
  parameters: Parameters,
  config: VqKdConfig,
  patches: Tensor3D,
  probe?: Probe,
): VqKdOutput {
  const vectors = vqKdEncode(parameters, config, patches, probe);
  const codebook = parameter(parameters, 'quantize.embedding.weight') as Tensor2D;
  const result = quantize(vectors, codebook);
  return { ...result, vectors, ...vqKdDecode(parameters, config, result.quantized, probe) };
}

/** The vectors of the patches, before they are normalised: `[B, N, 3 p p]` → `[B N, C]`. */
export function vqKdEncode(
  parameters: Parameters,
  config: VqKdConfig,
  patches: Tensor3D,
  probe?: Probe,
): Tensor2D {
  const { heads, encoderLayers: layers, patchSize: p } = config;
  requirePatches(patches.shape, config, 3 * p * p);
  const features = visionTransformer(patches, parameters, 'encoder', { heads, layers }, probe);
  probe?.('encoder_features', features);
  const vectors = taskLayer(features, parameters, 'encode_task_layer', tanh); // [B, N, C]
  return reshape(vectors, [-1, config.codeDim]) as Tensor2D;
}

/** The teacher's features as predicted from the codes' rows `[B N, C]`, and the decoder's `[B, N, D]`. */
export function vqKdDecode(
  parameters: Parameters,
  config: VqKdConfig,
  rows: Tensor2D,
  probe?: Probe,
): Pick<VqKdOutput, 'decoded' | 'prediction'> {
  const decoded = decode(parameters, config, rows, probe);
  const prediction = taskLayer(decoded, parameters, 'decode_task_layer', tanh) as Tensor3D;
  return { decoded, prediction };
}

/** Pictures of codes `[B N]` (int32), as patches of pixels `[B, N, 3 p p]`. */
export function vqKdPicture(parameters: Parameters, config: VqKdConfig, codes: Tensor1D): Tensor3D {
  const rows = gather(parameter(parameters, 'quantize.embedding.weight'), codes) as Tensor2D;
  return pixelDecoder(parameters, decode(parameters, config, rows));
}

/** Pixels `[B, N, 3 p p]` from features of the decoder: linear, GELU, linear. */
export function pixelDecoder(parameters: Parameters, decoded: Tensor3D): Tensor3D {
  return taskLayer(decoded, parameters, 'pixel_layer', gelu) as Tensor3D;
}

/** The two parts of VQ-KD's loss, as sums over patches, and how many there are. */
export interface VqKdLosses {
  /** Σ 1 − cos(prediction, teacher). */
  readonly distillation: Scalar;
  /** `Quantized.commitment`. */
  readonly commitment: Scalar;
  /** B N; the reference's loss is (distillation + commitment) / count. */
  readonly count: number;
}

/**
 * What training minimises: prediction and target `[B, N, T]` (reference: modeling_vqkd.py:191–213). A
 * target of norm 0, for which the reference gives NaN, has no direction: it costs 1.
 */
export function vqKdLosses(
  { prediction, commitment }: Pick<VqKdOutput, 'prediction' | 'commitment'>,
  target: Tensor3D,
): VqKdLosses {
  if (prediction.shape.join() !== target.shape.join()) {
    throw new ShapeError({
      code: 'shape/teacher-features',
      where: 'vqKdLosses',
      expected: `features of the teacher [${prediction.shape}]`,
      got: `[${target.shape}]`,
    });
  }
  const cosine = sum(mul(l2Normalize(prediction), l2Normalize(target)), -1); // [B, N]
  const [batch, patches] = prediction.shape;
  const distillation = sum(sub(scalar(1), cosine)) as Scalar;
  return { distillation, commitment, count: batch * patches };
}

/** Σ over patches of the mean squared difference of their pixels, both `[B, N, 3 p p]`. */
export function pixelLoss(pixels: Tensor3D, target: Tensor3D): Scalar {
  return sum(mean(square(sub(pixels, target)), -1)) as Scalar;
}

function decode(
  parameters: Parameters,
  config: VqKdConfig,
  rows: Tensor2D,
  probe?: Probe,
): Tensor3D {
  const { heads, decoderLayers: layers, codeDim } = config;
  const patches = reshape(rows, [-1, patchCount(config), codeDim]) as Tensor3D; // row by row
  const features = visionTransformer(patches, parameters, 'decoder', { heads, layers }, probe);
  probe?.('decoder_features', features);
  return features;
}

function taskLayer(
  x: Tensor3D,
  parameters: Parameters,
  name: string,
  activation: (x: Tensor3D) => Tensor,
): Tensor {
  return namedLinear(activation(namedLinear(x, parameters, `${name}.0`)), parameters, `${name}.2`);
}

/** N, the codes of an image. */
export function patchCount({ imageSize, patchSize }: VqKdConfig): number {
  return (imageSize / patchSize) ** 2;
}

function requirePatches(shape: readonly number[], config: VqKdConfig, size: number): void {
  const count = patchCount(config);
  if (shape.length === 3 && shape[1] === count && shape[2] === size) return;
  throw new ShapeError({
    code: 'shape/patches',
    where: 'vqKd',
    expected: `patches [B, ${count}, ${size}]`,
    got: `[${shape}]`,
  });
}
