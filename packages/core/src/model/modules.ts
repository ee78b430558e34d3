import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { layerNorm, linear, reshape, slice } from '../ops/index.js';
import { type Parameters, parameter } from '../parameters/parameters.js';

/** `linear` with a module's `{name}.weight [O, I]` and `{name}.bias [O]`: x `[..., I]` → `[..., O]`. */
export function namedLinear<T extends Tensor>(x: T, parameters: Parameters, name: string): T {
  const weight = parameter(parameters, `${name}.weight`);
  return linear(x, weight, parameter(parameters, `${name}.bias`)) as T;
}

/** `layerNorm` with a module's `{name}.weight` and `{name}.bias`, `[D]` both: x `[..., D]`. */
export function namedNorm<T extends Tensor>(
  x: T,
  parameters: Parameters,
  name: string,
  { layerNormEpsilon }: { layerNormEpsilon: number },
): T {
  const gamma = parameter(parameters, `${name}.weight`);
  const beta = parameter(parameters, `${name}.bias`);
  return layerNorm(x, gamma, beta, layerNormEpsilon) as T;
}

/** The vector of each sample's first position, an image's `<cls>` or a text's `<s>`: `[B, N, D]` → `[B, D]`. */
export function firstVectors(sequence: Tensor): Tensor2D {
  return reshape(slice(sequence, [0, 0, 0], [-1, 1, -1]), [-1, sequence.shape[2]!]) as Tensor2D;
}
