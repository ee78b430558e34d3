import { disposeAll, initializeParameters, type Parameters } from '@imglish/core';
import { type Codebook, isLearntByGradient, type VqKdConfig, vqKdSpecs } from '@imglish/tokenizers';
import type { Moments } from '@imglish/train';
import type { Tensor } from '@tensorflow/tfjs-core';

/** All that changes while a VQ-KD tokenizer is trained. Whoever made it owns its tensors. */
export interface VqKdState {
  /** Updates done. */
  step: number;
  /** What gradients reach, by official name. */
  parameters: Record<string, Tensor>;
  moments: Record<string, Moments>;
  codebook: Codebook;
}

/** The beginning: first weights, and a codebook of zeros, to be given its start by `startCodebook`. */
export function beginVqKd(config: VqKdConfig, seed: number): VqKdState {
  const specs = Object.entries(vqKdSpecs(config)).filter(([name]) => isLearntByGradient(name));
  const { codes, codeDim } = config;
  return {
    step: 0,
    parameters: initializeParameters(Object.fromEntries(specs), seed),
    moments: {},
    codebook: {
      codes,
      codeDim,
      rows: new Float32Array(codes * codeDim),
      clusterSize: new Float32Array(codes),
    },
  };
}

export function disposeVqKdState({
  parameters,
  moments,
}: {
  parameters: Parameters;
  moments: VqKdState['moments'];
}): void {
  disposeAll(parameters);
  for (const { m, v } of Object.values(moments)) disposeAll({ m, v });
}
