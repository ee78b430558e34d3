import { BackendError } from '@imglish/core';
import type { WasmModule } from './tfjs-wasm.js';

/** What a WebAssembly memory with 32-bit addresses can hold. */
export const ADDRESSABLE: number = 2 ** 32;

/**
 * Kept free below the limit: the heap's own bookkeeping, code and stack, and the packing buffers
 * that XNNPACK takes without asking.
 */
const RESERVE: number = 128 * 2 ** 20;

const GUARDED: unique symbol = Symbol('imglish.guarded');

/** Counts what tfjs allocates; refuses what does not fit instead of letting it write elsewhere. */
export interface MemoryGuard {
  /** Bytes that may be live at once. */
  limit: number;
  /** Bytes of tensors and work areas that are live. */
  readonly live: number;
}

/**
 * Wraps the allocator of a tfjs-wasm module. Unguarded, an allocation that fails returns address 0
 * and tfjs writes the tensor over whatever lies there.
 *
 * The wrapped allocator throws BackendError `backend/out-of-memory` when the live bytes would pass the
 * limit, or when the heap has no hole of that size left.
 */
export function guardMemory(
  module: WasmModule,
  limit: number = ADDRESSABLE - RESERVE,
): MemoryGuard {
  const guarded = module as WasmModule & { [GUARDED]?: MemoryGuard };
  const present = guarded[GUARDED];
  if (present) {
    present.limit = limit;
    return present;
  }
  // Emscripten puts the bare functions in place on the first call, which would undo the wrapping.
  module._free(module._malloc(1));
  const { _malloc, _free } = module;
  const sizes = new Map<number, number>();
  let live = 0;
  const guard = {
    limit,
    get live(): number {
      return live;
    },
  };
  module._malloc = (bytes) => {
    if (live + bytes > guard.limit) throw outOfMemory(bytes, live, guard.limit, 'the limit');
    const address = _malloc(bytes) >>> 0;
    if (address === 0)
      throw outOfMemory(bytes, live, guard.limit, 'what the heap has in one piece');
    sizes.set(address, bytes);
    live += bytes;
    return address;
  };
  module._free = (address) => {
    const at = address >>> 0;
    live -= sizes.get(at) ?? 0;
    sizes.delete(at);
    _free(at);
  };
  guarded[GUARDED] = guard;
  return guard;
}

function outOfMemory(bytes: number, live: number, limit: number, what: string): BackendError {
  const mib = (n: number) => `${(n / 2 ** 20).toFixed(1)} MiB`;
  return new BackendError({
    code: 'backend/out-of-memory',
    where: 'wasm',
    expected: `an allocation within ${what} (${mib(live)} live, limit ${mib(limit)})`,
    got: `${mib(bytes)} more`,
    fix: 'Use a smaller batch, recompute activations, dispose what is no longer needed, or take another backend: WebAssembly addresses 4 GiB.',
  });
}
