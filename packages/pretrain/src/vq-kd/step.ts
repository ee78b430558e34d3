import { ops, type Parameters, valueAndGradients, withoutTape } from '@imglish/core';
import {
  assignmentOf,
  emaUpdate,
  pixelDecoder,
  pixelLoss,
  VQ_KD_NO_DECAY,
  type VqKdConfig,
  vqKd,
  vqKdLosses,
} from '@imglish/tokenizers';
import { type AdamWHyperparameters, adamW, globalNorm, parameterGroups } from '@imglish/train';
import { dispose, type Scalar, type Tensor3D, tensor2d } from '@tensorflow/tfjs-core';
import type { VqKdState } from './state.js';

const { add, mul } = ops;

/** Images as patches of −1 … 1 and what the teacher makes of them; the caller owns both. */
export interface VqKdBatch {
  /** `[B, N, 3 p p]`. */
  readonly patches: Tensor3D;
  /** `[B, N, T]`. */
  readonly target: Tensor3D;
}

export interface VqKdStepOptions extends AdamWHyperparameters {
  lr: number;
  weightDecay: number;
  /** Of the codebook's moving average. */
  decay: number;
}

/** What one step did. */
export interface VqKdStepMetrics {
  /** Mean of 1 − cosine to the teacher's features. */
  readonly distillation: number;
  /** Mean squared difference between normalised vectors and their codes. */
  readonly commitment: number;
  /** Mean squared error of the pictures; only with a pixel decoder. */
  readonly pixels?: number;
  readonly gradientNorm: number;
  /** The batch's normalised vectors `[B N, C]` and their codes, before the update. */
  readonly z: Float32Array;
  readonly codes: Int32Array;
}

/**
 * One update, in place: AdamW for what gradients reach, then the moving average for the codebook, with
 * vectors and codes from before the update, as in the reference.
 *
 * The pixel decoder learns beside the rest: its gradient ends at the decoder's features, so that
 * nothing but the teacher decides what codes mean.
 */
export async function vqKdStep(
  state: VqKdState,
  config: VqKdConfig,
  { patches, target }: VqKdBatch,
  { lr, weightDecay, decay, ...adam }: VqKdStepOptions,
): Promise<VqKdStepMetrics> {
  const { codes, codeDim, rows } = state.codebook;
  const codebook = tensor2d(rows, [codes, codeDim]);
  const loss = (learnt: Parameters) => {
    const parameters = { ...learnt, 'quantize.embedding.weight': codebook };
    const output = vqKd(parameters, config, patches);
    const { distillation, commitment, count } = vqKdLosses(output, target);
    let total: Scalar = add(distillation, commitment);
    const aux = { distillation, commitment, z: output.z, codes: output.codes };
    if (!config.pixelDecoder) return { loss: mul(total, 1 / count) as Scalar, aux };
    const decoded = withoutTape(() => output.decoded.clone()) as Tensor3D;
    const pixels = pixelLoss(pixelDecoder(parameters, decoded), patches);
    total = add(total, pixels);
    return { loss: mul(total, 1 / count) as Scalar, aux: { ...aux, pixels } };
  };
  const result = valueAndGradients(loss, state.parameters);
  codebook.dispose();
  const norm = globalNorm(result.gradients);
  try {
    const count = patches.shape[0] * patches.shape[1];
    const mean = async (name: string) => (await result.aux[name]!.data())[0]! / count;
    const z = (await result.aux.z!.data()) as Float32Array;
    const assigned = (await result.aux.codes!.data()) as Int32Array;
    const metrics: VqKdStepMetrics = {
      distillation: await mean('distillation'),
      commitment: await mean('commitment'),
      ...(result.aux.pixels ? { pixels: await mean('pixels') } : {}),
      gradientNorm: (await norm.data())[0]!,
      z,
      codes: assigned,
    };
    const groups = parameterGroups(state.parameters, { weightDecay, noDecay: VQ_KD_NO_DECAY });
    const options = { ...adam, lr, groups, release: true };
    const next = adamW(state.parameters, result.gradients, state.moments, options);
    state.parameters = next.parameters;
    state.moments = next.state;
    state.step++;
    emaUpdate(state.codebook, assignmentOf(z, assigned, state.codebook), { decay });
    return metrics;
  } finally {
    norm.dispose();
    dispose([result.loss, result.aux, result.gradients]);
  }
}
