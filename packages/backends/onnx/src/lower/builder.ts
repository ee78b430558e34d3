import type { HostDType } from '@imglish/core';
import type { Value } from '../graph/graph.js';
import type { Size } from '../graph/size.js';

/** An attribute of an ONNX node: a whole number must be said to be one, as `{ int: 1 }`. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string };

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** Default: the ONNX operators themselves. */
  readonly domain?: string;
  /** How many outputs, default 1. */
  readonly outputs?: number;
}

/** What a kernel's `lower` emits ONNX nodes with. Everything it gives is a name in the ONNX graph. */
export interface OnnxBuilder {
  /** The name of a value of the traced graph. */
  name(value: Value): string;
  /** A node with one output; an empty input name is an input left out. */
  emit(operator: string, inputs: readonly string[], options?: EmitOptions): string;
  /** A node with several outputs. */
  emitAll(operator: string, inputs: readonly string[], options: EmitOptions): string[];
  /** int64 `[n]`: a constant, or computed from the shapes of the graph's inputs. */
  sizes(sizes: readonly Size[]): string;
  /** A scalar of the type. */
  scalar(value: number, dtype: HostDType): string;
  /** A constant; a list of whole numbers as int64 is what `sizes` gives. */
  constant(
    data: Float32Array | Int32Array | Uint8Array,
    dtype: HostDType,
    shape: readonly number[],
  ): string;
  cast(name: string, dtype: HostDType): string;
  /** The value of a uniform constant, if that is what it is and it is the same for all sizes. */
  uniform(value: Value): number | undefined;
  /** A scalar that holds the value of a uniform constant, if that is what it is. */
  uniformScalar(value: Value): string | undefined;
}
