import type { Tensor } from '@tensorflow/tfjs-core';

/** A tensor on the host, row-major. `bool` is one byte, 0 or 1. */
export type HostTensor =
  | { readonly dtype: 'float32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: 'bool'; readonly shape: readonly number[]; readonly data: Uint8Array };

/** Named tensors, in or out of a traced function. */
export type TensorMap = Readonly<Record<string, Tensor>>;
export type HostTensorMap = Readonly<Record<string, HostTensor>>;

/**
 * A function of tensors that can be recorded: it uses tfjs ops only, looks at no value of a tensor,
 * and everything that differs between runs (masks, draws, learning rates) is an input.
 */
export type Traceable = (inputs: TensorMap) => TensorMap;

export interface CompileOptions {
  /**
   * Sizes that differ between runs, by input: `{ pixels: { 0: 'batch' } }`. All other sizes are those
   * of the example. The same name is the same size everywhere.
   */
  readonly freeSizes?: Readonly<Record<string, Readonly<Record<number, string>>>>;
}

/** Records a function once and turns it into one that runs without tfjs. */
export interface Compiler {
  /**
   * Compiles `f` for inputs of the names, types and shapes of `example`. Tensors that `f` captures
   * become constants: they are copied, their owner keeps them.
   *
   * @throws BackendError `backend/not-traceable` naming the kernel or the value that `f` asked for.
   */
  compile(f: Traceable, example: HostTensorMap, options?: CompileOptions): Promise<Compiled>;
}

/** A compiled function. */
export interface Compiled {
  run(inputs: HostTensorMap): Promise<HostTensorMap>;
  /** Frees what the function holds; it cannot run any more. */
  dispose(): Promise<void>;
}
