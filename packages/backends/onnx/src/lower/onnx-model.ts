import type { HostDType } from '@imglish/core';
import type { Size } from '../graph/size.js';

/** An input or output of a model; a free size stands as its name in the file. */
export interface ModelTensor {
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
  /** Parameters that live in regions come after the function's own inputs. */
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
}
