import { assertOneEngine, type Backend, BackendError, engine, openBackend } from '@imglish/core';
import { env, type KernelBackend, Tensor, version_core } from '@tensorflow/tfjs-core';
import { prepareHeap } from './heap.js';
import { registerKernels } from './kernels/register.js';
import { guardMemory } from './memory.js';
import type { TfjsWasm } from './tfjs-wasm.js';

export interface WasmOptions {
  /**
   * Where the `.wasm` files of tfjs-backend-wasm lie: a folder (ending in `/`), or each file's URL by
   * name. Not set: beside the script, where most bundlers do not put them; Node finds its own. Read when it starts.
   */
  wasmPaths?: string | Record<string, string>;
  /** Bytes that tensors may take at once; not set: what 32-bit addresses allow, about 3.9 GiB. The last call counts. */
  memoryLimit?: number;
}

/** How tfjs starts its backend: its package says so once, on import. */
let factory: (() => KernelBackend | Promise<KernelBackend>) | undefined;

/**
 * Opens tfjs-backend-wasm, complete for training, with the fused kernels of Imglish, and makes it
 * the current backend. Runs on the CPU, in float32.
 *
 * @throws BackendError `backend/unavailable` when it does not start, and later, from any op,
 * `backend/out-of-memory`.
 */
export async function wasm(options: WasmOptions = {}): Promise<Backend> {
  const { wasmPaths, memoryLimit } = options;
  if (memoryLimit !== undefined && !(memoryLimit > 0)) {
    throw new BackendError({
      code: 'backend/memory-limit',
      where: 'wasm',
      expected: 'a memoryLimit above 0 bytes',
      got: String(memoryLimit),
    });
  }
  assertOneEngine('wasm', { Tensor, version_core });
  const backend = await openBackend('wasm', {
    create: async () => {
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
      if (wasmPaths !== undefined) setWasmPaths(wasmPaths);
      // With threads its memory is shared, and our kernels work on one that is not.
      env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
      factory ??= engine().registryFactory.wasm!.factory;
      return factory();
    },
    prepare: async (backend: KernelBackend) => {
      await prepareHeap(backend);
      registerKernels();
    },
  });
  const { wasm: module } = engine().registry.wasm as TfjsWasm;
  guardMemory(module, memoryLimit);
  return backend;
}
