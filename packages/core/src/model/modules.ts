import type { Tensor } from '@tensorflow/tfjs-core';
import { layerNorm, linear } from '../ops/index.js';
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
