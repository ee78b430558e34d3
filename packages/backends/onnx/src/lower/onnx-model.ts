import type { HostDType } from '@imglish/core';
import type { Size } from '../graph/size.js';

/** An input or output of a model; a free size stands as its name in the file. */
export interface ModelTensor {
  /** What the model calls it. */
  readonly name: string;
  readonly shape: readonly Size[];
  readonly dtype: HostDType;
}

/**
 * An output of a model. ONNX wants its name to be no input's: where the function calls one as an input or
 * parameter, the model calls it `name:out`.
 */
export interface ModelOutput extends ModelTensor {
  /** What the function calls it. */
  readonly as: string;
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
  readonly outputs: readonly ModelOutput[];
}
