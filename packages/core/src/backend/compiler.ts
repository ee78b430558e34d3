import type { Tensor } from '@tensorflow/tfjs-core';
import type { Parameters } from '../parameters/parameters.js';

/** Element types that a compiled function reads and gives. */
export type HostDType = 'float32' | 'int32' | 'bool';

/** Shape and type of a tensor, without its values. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: HostDType;
}

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
 *
 * `parameters` are those of `CompileOptions.parameters`, by their official names.
 */
export type Traceable = (inputs: TensorMap, parameters: Parameters) => TensorMap;

/** float32 values that stay with the engine between runs, to be read and written by runs in place. */
export interface Region {
  /** Values it has room for. */
  readonly length: number;
  /** The values are copied. */
  write(values: Float32Array, offset?: number): Promise<void>;
  read(offset?: number, length?: number): Promise<Float32Array>;
  /** The values from `offset` on as a tensor of `shape`: an input, or where an output goes. */
  view(offset: number, shape: readonly number[]): RegionView;
  dispose(): Promise<void>;
}

/** A part of a region as a float32 tensor. Made by `Region.view`. */
export interface RegionView {
  readonly dtype: 'float32';
  readonly shape: readonly number[];
  readonly region: Region;
  readonly offset: number;
}

/** Bytes of a tensor in a file, row-major and little-endian. */
export interface FilePlace {
  /** Path, or URL in a browser. */
  readonly file: string;
  /** Where its bytes begin. */
  readonly offset: number;
  readonly bytes: number;
  /** As what it is stored; a parameter is float32 to the function whatever it is stored as. */
  readonly stored: 'float32' | 'float16' | 'bfloat16';
}

/** Shape of a parameter and where its values are. */
export interface ParameterPlace {
  readonly shape: readonly number[];
  readonly place: FilePlace | RegionView;
}

/** Parameters of a compiled function by name; they need never exist as tensors. */
export type ParameterSource = Readonly<Record<string, ParameterPlace>>;

export interface CompileOptions {
  /**
   * Sizes that differ between runs, by input: `{ pixels: { 0: 'batch' } }`. The same name is the same
   * size everywhere, and one compiled function serves all. Without it, a run with other shapes than
   * the example's compiles once more.
   */
  readonly freeSizes?: Readonly<Record<string, Readonly<Record<number, string>>>>;
  readonly parameters?: ParameterSource;
  /**
   * Outputs that may be written over inputs: `{ output: input }`, of one shape, float32; or
   * `{ output: [input, …] }`, where the others are views of parts of the same values, such as the
   * parameters of a vector each in its shape. Refused where the function reads an input after the
   * output's first value is written.
   */
  readonly inPlace?: Readonly<Record<string, string | readonly [string, ...string[]]>>;
  /** Names the function in messages and pictures. */
  readonly name?: string;
}

/** Records a function once and turns it into one that runs without tfjs. */
export interface Compiler {
  /** Engine, version, device, threads: what bit-for-bit promises hold for. */
  readonly description: string;
  /**
   * Compiles `f` for inputs of the names, types and shapes of `example` (its values are not looked at).
   * Small tensors that `f` captures become constants: they are copied, their owner keeps them.
   *
   * @throws BackendError `backend/not-traceable` naming the kernels or the value that `f` asked for,
   * `backend/not-general` naming what cannot be generalised over `freeSizes`, and where.
   */
  compile(
    f: Traceable,
    example: Readonly<Record<string, TensorSpec>>,
    options?: CompileOptions,
  ): Promise<Compiled>;
  /** Room for `length` float32 values, zeros at first. */
  reserve(length: number): Promise<Region>;
}

export interface RunOptions {
  /** Where outputs go; those named here are left out of the result. */
  readonly into?: Readonly<Record<string, RegionView>>;
}

/** A compiled function. */
export interface Compiled {
  /** Inputs are copied, views are not. */
  run(
    inputs: Readonly<Record<string, HostTensor | RegionView>>,
    options?: RunOptions,
  ): Promise<HostTensorMap>;
  /** Frees what the function holds; it cannot run any more. */
  dispose(): Promise<void>;
}
