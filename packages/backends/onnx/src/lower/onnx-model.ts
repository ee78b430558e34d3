import type { HostDType } from '@imglish/core';
import type { Size } from '../graph/size.js';

/** An input or output of a model; a free size stands as its name in the file. */
export interface ModelTensor {
  /**
   * What the model calls it: its name in the function, unless an output is called as an input is. ONNX
   * wants them apart, and such an output is called `name:out`.
   */
  readonly name: string;
  readonly shape: readonly Size[];
  readonly dtype: HostDType;
}

/** A graph as an ONNX model whose large weights stay where they are. */
export interface OnnxModel {
  /** A serialised ModelProto. */
  readonly bytes: Uint8Array;
  /** Files that it points into: what the model calls them → path or URL. */
  readonly externalFiles: Readonly<Record<string, string>>;
  /** Those of the function in order, then the parameters that live in regions. */
  readonly inputs: readonly ModelTensor[];
  /** In the function's order. */
  readonly outputs: readonly ModelTensor[];
}
