import { type Choice, choose, openCompiling } from './choose.js';
import type { AutoOptions } from './index.js';

export type { Attempt, Choice } from './choose.js';
export type { AutoOptions } from './index.js';

/**
 * `auto()` for Node: the first of `onnx`, `wasm`, `cpu` that works here. `onnx` compiles; it comes
 * with `wasm` for what is not compiled. The environment variable
 * `IMGLISH_BACKEND` overrules the order, the option overrules both.
 *
 * @throws BackendError `backend/unknown`, `backend/unavailable`.
 */
export function auto({ backend, threads }: AutoOptions = {}): Promise<Choice> {
  const openWasm = async () => (await import('@imglish/backend-wasm/node')).wasm();
  const openOnnx = async () =>
    openCompiling(openWasm, (await import('@imglish/backend-onnx/node')).onnx, threads);
  return choose(
    [
      { name: 'onnx', open: openOnnx },
      { name: 'wasm', open: openWasm },
      { name: 'cpu', open: async () => (await import('@imglish/backend-cpu')).cpu() },
    ],
    backend ?? (process.env.IMGLISH_BACKEND || undefined),
  );
}
