import type { TensorSpec } from '@imglish/core';
import type { Attributes, Node } from '../graph/graph.js';
import type { OnnxBuilder } from '../lower/builder.js';

/** What a tfjs kernel gives, and how ONNX says it. */
export interface Kernel {
  /** Name of the tfjs kernel, or of a fused one of core. */
  readonly name: string;
  /**
   * Shapes and types of the outputs, in order; `inputs` by the kernel's names. While tracing: every
   * size is a number.
   */
  infer(inputs: Readonly<Record<string, TensorSpec>>, attributes: Attributes): TensorSpec[];
  /** Emits ONNX nodes; the ONNX names of the outputs, in order. Sizes may depend on free sizes. */
  lower(node: Node, onnx: OnnxBuilder): string[];
}
