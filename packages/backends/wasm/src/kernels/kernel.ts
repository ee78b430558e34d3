import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { Heap } from '../heap.js';

/** Inputs by name; one that is optional may be absent. */
export type Inputs = Readonly<Record<string, TensorInfo>>;
export type Attributes = Readonly<Record<string, number>> & { readonly dtype?: DataType };

/** Computes the outputs of one kernel in the heap. `tfjs` runs the kernel of tfjs that this one replaces. */
export type Kernel = (
  heap: Heap,
  inputs: Inputs,
  attributes: Attributes,
  tfjs: () => TensorInfo | TensorInfo[],
) => TensorInfo | TensorInfo[];

/** Kernels by name. */
export type Kernels = Readonly<Record<string, Kernel>>;
