import {
  getBackend,
  getKernel,
  type NamedTensorMap,
  type Tensor,
  engine as tfEngine,
} from '@tensorflow/tfjs-core';

/** Names of the kernels that a backend may bring; contracts stand beside the op that uses them. */
export type FusedKernel =
  | 'ImglishLinear'
  | 'ImglishLinearGrad'
  | 'ImglishLayerNorm'
  | 'ImglishLayerNormGrad'
  | 'ImglishGelu'
  | 'ImglishGeluGrad'
  | 'ImglishAttention'
  | 'ImglishAttentionGrad'
  | 'ImglishCrossEntropy'
  | 'ImglishCrossEntropyGrad'
  | 'ImglishScatterAdd'
  | 'ImglishAfter';

/** Whether the current backend has a kernel of that name. */
export function hasFused(name: FusedKernel): boolean {
  return getKernel(name, getBackend()) !== undefined;
}

/** Runs a backend's kernel; the outputs in the order of its contract. */
export function runFused(
  name: FusedKernel,
  inputs: NamedTensorMap,
  attributes: Record<string, number> = {},
): Tensor[] {
  const outputs = tfEngine().runKernel(name, inputs, attributes) as Tensor | Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}
