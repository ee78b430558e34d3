import type { HostDType } from '@imglish/core';
import type { Size } from './size.js';

/** A tensor in a graph: what it will be like, not what it holds. */
export interface Value {
  readonly shape: readonly Size[];
  readonly dtype: HostDType;
}

/** Numbers of a node: strides, axes, an ε; whole ones may depend on free sizes. */
export type Attribute = Size | string | boolean | undefined | null | readonly Attribute[];
export type Attributes = Readonly<Record<string, Attribute>>;

/** One operation, named as the tfjs kernel that would compute it. */
export interface Node {
  readonly kernel: string;
  /** By the kernel's names; those of a list are called 0, 1, … in order. */
  readonly inputs: Readonly<Record<string, Value>>;
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** Made where the op was called: where that is, is read off it only when it is asked for. */
  readonly origin: Error;
}

/** Values known when the graph was made: one number everywhere, or all of them row-major. */
export type ConstantData =
  | { readonly uniform: number | UniformSize }
  | { readonly data: Float32Array | Int32Array | Uint8Array };

/** A uniform constant that depends on free sizes: the size itself, or 1 / size. */
export interface UniformSize {
  readonly size: Size;
  readonly reciprocal: boolean;
}

export interface NamedValue {
  readonly name: string;
  readonly value: Value;
}

/** A recorded function: nodes in an order in which they can be computed. Values are compared by identity. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly NamedValue[];
  readonly parameters: readonly NamedValue[];
  readonly constants: ReadonlyMap<Value, ConstantData>;
  readonly nodes: readonly Node[];
  readonly outputs: readonly NamedValue[];
}
