import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Backend } from '@imglish/core';
import { wasm as open, type WasmOptions } from './wasm.js';

export type { WasmOptions } from './wasm.js';

/** `wasm()` with the `.wasm` files of the installed tfjs-backend-wasm: nothing is fetched. */
export function wasm(options: WasmOptions = {}): Promise<Backend> {
  const manifest = createRequire(import.meta.url).resolve(
    '@tensorflow/tfjs-backend-wasm/package.json',
  );
  return open({ wasmPaths: join(dirname(manifest), 'dist', '/'), ...options });
}
