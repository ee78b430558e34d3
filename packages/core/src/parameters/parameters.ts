import type { Tensor } from '@tensorflow/tfjs-core';
import { CheckpointError } from '../errors/errors.js';

/** Parameters by their official state-dict name, in the official layout. */
export type Parameters = Readonly<Record<string, Tensor>>;

/** How a parameter begins (reference: modeling_utils.py `_init_weights` and PyTorch's defaults). */
export type Initializer =
  | { kind: 'zeros' }
  | { kind: 'ones' }
  | { kind: 'constant'; value: number }
  /** N(0, std²). */
  | { kind: 'normal'; std: number }
  /** N(0, std²) cut at ±limit, times `scale`. */
  | { kind: 'truncatedNormal'; std: number; limit: number; scale?: number }
  /** U(-limit, limit). */
  | { kind: 'uniform'; limit: number };

/** Name → shape and beginning of every parameter of a model or head. */
export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>;

export interface ParameterSpec {
  readonly shape: readonly number[];
  readonly init: Initializer;
}

/** The parameter of that name; throws `checkpoint/missing-keys` where there is none. */
export function parameter(parameters: Parameters, name: string): Tensor {
  const tensor = parameters[name];
  if (!tensor) {
    throw new CheckpointError({
      code: 'checkpoint/missing-keys',
      where: 'parameter',
      expected: `a parameter named ${name}`,
      got: `${Object.keys(parameters).length} others`,
      fix: 'Do the weights belong to this configuration?',
    });
  }
  return tensor;
}

/** Disposes every tensor of a map. */
export function disposeAll(tensors: Parameters): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
