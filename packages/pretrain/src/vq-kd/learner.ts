import { ops, type Parameters, toHost } from '@imglish/core';
import { type VqKdConfig, vqKdEncode } from '@imglish/tokenizers';
import { type StateSource, sourceOf, tensorsOf } from '@imglish/train';
import { type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core';
import type { VqKdBatch } from './objective.js';
import { disposeVqKdState, type VqKdState } from './state.js';
import { gradientStep, type VqKdStepMetrics, type VqKdStepOptions } from './step.js';

/** What gradients reach, and how it learns: op by op, or compiled. */
export interface VqKdLearner {
  /** One update, with the codebook `[K, C]` as it is. */
  update(batch: VqKdBatch, rows: Float32Array, lr: number): Promise<VqKdStepMetrics>;
  /** The normalised vectors of images `[B N, C]`. */
  encode(patches: Tensor3D): Promise<Float32Array>;
  /** The state as it is now, to be read before the next update. */
  state(): StateSource;
  dispose(): Promise<void>;
}

export type LearnerOptions = Omit<VqKdStepOptions, 'lr'>;

/** `encode` of a learner: patches `[B, N, 3 p p]` → `[B N, C]`. */
export function normalizedVectors(
  parameters: Parameters,
  config: VqKdConfig,
  patches: Tensor3D,
): Tensor2D {
  return ops.l2Normalize(vqKdEncode(parameters, config, patches)) as Tensor2D;
}

/** Learns op by op on the current tfjs backend. */
export async function eagerLearner(
  config: VqKdConfig,
  begin: StateSource,
  options: LearnerOptions,
): Promise<VqKdLearner> {
  const { codes, codeDim } = config;
  const { step, parameters, moments } = await tensorsOf(begin);
  const clusterSize = new Float32Array(codes);
  const codebook = { codes, codeDim, rows: new Float32Array(codes * codeDim), clusterSize };
  const state: VqKdState = { step, parameters, moments, codebook };
  return {
    update(batch, rows, lr) {
      codebook.rows.set(rows);
      return gradientStep(state, config, batch, { ...options, lr });
    },
    async encode(patches) {
      const z = tidy(() => normalizedVectors(state.parameters, config, patches));
      try {
        return (await toHost(z)).data as Float32Array;
      } finally {
        z.dispose();
      }
    },
    state: () => sourceOf(state),
    dispose: async () => disposeVqKdState(state),
  };
}
