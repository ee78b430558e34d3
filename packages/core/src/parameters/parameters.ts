import type { Tensor } from '@tensorflow/tfjs-core';

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
