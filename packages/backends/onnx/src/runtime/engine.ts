import type { HostTensor, HostTensorMap, Region, RegionView, RunOptions } from '@imglish/core';
import type { OnnxModel } from '../lower/onnx-model.js';

/** What a model's input is given as: a tensor, which is copied, or a view, which is not. */
export type RunInput = HostTensor | RegionView;

/** A model that is loaded and can run. */
export interface Session {
  /** Bytes of its graph and weights; what a run takes besides is not in it. */
  readonly bytes: number;
  /** Runs come one after the other, in the order in which they were asked for. */
  run(inputs: Readonly<Record<string, RunInput>>, options?: RunOptions): Promise<HostTensorMap>;
  dispose(): Promise<void>;
}

export interface OpenOptions {
  /** Names the model in messages. */
  readonly name: string;
}

/** Runs ONNX models away from the caller's thread. */
export interface RuntimeEngine {
  /** Engine, version, device, threads: what bit-for-bit promises hold for. */
  readonly description: string;
  /**
   * @throws BackendError `backend/model-refused` when the runtime does not take the model, IoError
   * `io/not-found` when a file of weights is not there.
   */
  open(model: OnnxModel, options: OpenOptions): Promise<Session>;
  /** Room for `length` float32 values, zeros at first. */
  reserve(length: number): Promise<Region>;
  /** Ends it; what is under way is rejected. */
  dispose(): Promise<void>;
}

/** Where models run: the processor, or a graphics card through WebGPU or CUDA. */
export type Device = 'cpu' | 'webgpu' | 'cuda';

export interface EngineOptions {
  /** Threads of one operation; not set: one for each core that the process may use, 16 at most. */
  readonly threads?: number;
  /** Default `cpu`. */
  readonly device?: Device;
}
