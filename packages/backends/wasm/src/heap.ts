import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { kernels, relaxedKernels } from '../generated/kernels.js';
import type { TfjsWasm } from './tfjs-wasm.js';

/** The functions of assembly/; addresses in bytes, 0 for an operand that is absent. */
export interface Functions {
  gemmWork(m: number, n: number, k: number): number;
  geluWork(): number;
  [name: string]: (...args: number[]) => number;
}

/** The heap of one tfjs-wasm backend, with the functions of assembly/ working on it. */
export class Heap {
  readonly functions: Functions;
  readonly #backend: TfjsWasm;
  #work = 0;
  #workBytes = 0;

  constructor(backend: TfjsWasm) {
    this.#backend = backend;
    const memory = backend.wasm.asm.memory;
    const { exports } = new WebAssembly.Instance(compile(), { env: { memory } });
    this.functions = exports as unknown as Functions;
  }

  /** Where a tensor's values begin. */
  at(tensor: TensorInfo): number {
    return this.#backend.dataIdMap.get(tensor.dataId).memoryOffset;
  }

  /** Room for tensors of these shapes, float32, not filled: all of them or, with an error, none. */
  outputs(...shapes: (readonly number[])[]): TensorInfo[] {
    const made: TensorInfo[] = [];
    try {
      for (const shape of shapes) made.push(this.output(shape, 'float32'));
      return made;
    } catch (error) {
      for (const { dataId } of made) this.#backend.disposeData(dataId);
      throw error;
    }
  }

  output(shape: readonly number[], dtype: DataType): TensorInfo {
    return this.#backend.makeOutput([...shape], dtype);
  }

  /** Another tensor of the same values. */
  share({ dataId, dtype }: TensorInfo, shape: number[]): TensorInfo {
    this.#backend.incRef(dataId);
    return { dataId, shape, dtype };
  }

  /** Room of at least that many bytes, the same for every kernel: it holds nothing between calls. */
  work(bytes: number): number {
    if (bytes > this.#workBytes) {
      if (this.#work) this.#backend.wasm._free(this.#work);
      this.#work = 0;
      this.#workBytes = 0;
      this.#work = this.#backend.wasm._malloc(bytes);
      this.#workBytes = bytes;
    }
    return this.#work;
  }

  /** `count` integers at an address of `work`. */
  words(address: number, count: number): Int32Array {
    return new Int32Array(this.#backend.wasm.HEAPU8.buffer, address, count);
  }

  /** The values of a tensor. Views go stale when the memory grows: make them after every allocation. */
  view({ dataId, shape, dtype }: TensorInfo): Float32Array | Int32Array | Uint8Array {
    const { buffer } = this.#backend.wasm.HEAPU8;
    const View = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype as 'float32'];
    return new View(buffer, this.#backend.dataIdMap.get(dataId).memoryOffset, size(shape));
  }
}

/** The module with fused products and sums where the engine has them: a third faster. */
function compile(): WebAssembly.Module {
  const relaxed = decode(relaxedKernels);
  return new WebAssembly.Module(WebAssembly.validate(relaxed) ? relaxed : decode(kernels));
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

const heaps: WeakMap<KernelBackend, Heap> = new WeakMap();

/** The heap of a backend; made on first use. */
export function heapOf(backend: KernelBackend): Heap {
  let heap = heaps.get(backend);
  if (!heap) {
    heap = new Heap(backend as TfjsWasm);
    heaps.set(backend, heap);
  }
  return heap;
}

export function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
