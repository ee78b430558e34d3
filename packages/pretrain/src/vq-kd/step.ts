import { ops, valueAndGradients } from '@imglish/core';
import { assignmentOf, emaUpdate, VQ_KD_NO_DECAY, type VqKdConfig } from '@imglish/tokenizers';
import {
  type AdamWHyperparameters,
  adamW,
  clipFactor,
  globalNorm,
  parameterGroups,
} from '@imglish/train';
import { dispose, type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import { isOfPixelDecoder, type VqKdBatch, vqKdObjective } from './objective.js';
import type { VqKdState } from './state.js';

export interface VqKdStepOptions extends AdamWHyperparameters {
  lr: number;
  weightDecay: number;
  /** Gradients, but those of the pixel decoder, are clipped to this norm; by default they are not. */
  maxGradientNorm?: number | undefined;
}

/** What one step did. */
export interface VqKdStepMetrics {
  /** Mean of 1 − cosine to the teacher's features. */
  readonly distillation: number;
  /** Mean squared difference between normalised vectors and their codes. */
  readonly commitment: number;
  /** Mean squared error of the pictures; only with a pixel decoder. */
  readonly pixels?: number;
  /** Of all gradients but those of the pixel decoder, before clipping. */
  readonly gradientNorm: number;
  /** The batch's normalised vectors `[B N, C]` and their codes, before the update. */
  readonly z: Float32Array;
  readonly codes: Int32Array;
}

/**
 * One update, in place: AdamW for what gradients reach, then the moving average for the codebook, with
 * vectors and codes from before the update, as in the reference.
 */
export async function vqKdStep(
  state: VqKdState,
  config: VqKdConfig,
  batch: VqKdBatch,
  {
    decay,
    ...options
  }: VqKdStepOptions & { /** Of the codebook's moving average. */ decay: number },
): Promise<VqKdStepMetrics> {
  const metrics = await gradientStep(state, config, batch, options);
  const { z, codes } = metrics;
  emaUpdate(state.codebook, assignmentOf(z, codes, state.codebook), { decay });
  return metrics;
}

/** `vqKdStep` without the codebook, which it only reads. */
export async function gradientStep(
  state: VqKdState,
  config: VqKdConfig,
  batch: VqKdBatch,
  { lr, weightDecay, maxGradientNorm, ...adam }: VqKdStepOptions,
): Promise<VqKdStepMetrics> {
  const { codes: size, codeDim, rows } = state.codebook;
  const codebook = tensor2d(rows, [size, codeDim]);
  const { loss, aux, gradients } = valueAndGradients(
    (learnt) => vqKdObjective(config, learnt, codebook, batch),
    state.parameters,
  );
  codebook.dispose();
  const norm = globalNorm(tokenizerGradients(gradients));
  try {
    const count = batch.patches.shape[0] * batch.patches.shape[1];
    const mean = async (name: string) => (await aux[name]!.data())[0]! / count;
    const metrics: VqKdStepMetrics = {
      distillation: await mean('distillation'),
      commitment: await mean('commitment'),
      ...(aux.pixels ? { pixels: await mean('pixels') } : {}),
      gradientNorm: (await norm.data())[0]!,
      z: (await aux.z!.data()) as Float32Array,
      codes: (await aux.codes!.data()) as Int32Array,
    };
    if (maxGradientNorm !== undefined) {
      scaleInPlace(gradients, clipFactor(metrics.gradientNorm, maxGradientNorm));
    }
    const groups = parameterGroups(state.parameters, { weightDecay, noDecay: VQ_KD_NO_DECAY });
    const options = { ...adam, lr, groups, release: true };
    const next = adamW(state.parameters, gradients, state.moments, options);
    state.parameters = next.parameters;
    state.moments = next.state;
    state.step++;
    return metrics;
  } finally {
    norm.dispose();
    dispose([loss, aux, gradients]);
  }
}

/** The gradients that are clipped together: the pixel decoder has no say in how the rest learns. */
export function tokenizerGradients(
  gradients: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(gradients).filter(([name]) => !isOfPixelDecoder(name)));
}

function scaleInPlace(gradients: Record<string, Tensor>, factor: number): void {
  if (factor === 1) return;
  for (const [name, gradient] of Object.entries(tokenizerGradients(gradients))) {
    gradients[name] = ops.mul(gradient, factor);
    gradient.dispose();
  }
}
