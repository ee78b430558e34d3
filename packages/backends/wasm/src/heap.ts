import { BackendError } from '@imglish/core';
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

  constructor(backend: TfjsWasm, { exports }: WebAssembly.Instance) {
    this.#backend = backend;
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

const heaps: WeakMap<KernelBackend, Heap> = new WeakMap();

/**
 * Makes the heap of a backend in the background, the only place where a page may compile as much.
 *
 * @throws BackendError `backend/unavailable` when the engine lacks SIMD, or when tfjs runs threads.
 */
export async function prepareHeap(backend: KernelBackend): Promise<void> {
  const { bytes, imports } = ingredients(backend);
  const { instance } = await WebAssembly.instantiate(bytes, imports);
  heaps.set(backend, new Heap(backend as TfjsWasm, instance));
}

/** The heap of a backend; made at once for one that tfjs started without us. */
export function heapOf(backend: KernelBackend): Heap {
  let heap = heaps.get(backend);
  if (!heap) {
    const { bytes, imports } = ingredients(backend);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
    heap = new Heap(backend as TfjsWasm, instance);
    heaps.set(backend, heap);
  }
  return heap;
}

function ingredients(backend: KernelBackend): {
  bytes: Uint8Array<ArrayBuffer>;
  imports: WebAssembly.Imports;
} {
  const { memory } = (backend as TfjsWasm).wasm.asm;
  const bytes = [relaxedKernels, kernels].map(decode).find((each) => WebAssembly.validate(each));
  if (bytes && memory.buffer instanceof ArrayBuffer) return { bytes, imports: { env: { memory } } };
  throw new BackendError({
    code: 'backend/unavailable',
    where: 'wasm',
    expected: 'WebAssembly with SIMD, and a tfjs-wasm backend without threads',
    got: bytes ? 'one with threads, started by somebody else' : 'an engine without SIMD',
    fix: bytes ? 'Open the backend by wasm() first, or remove the other.' : 'Use the cpu backend.',
  });
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

export function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
