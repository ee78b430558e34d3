import { type Choice, choose, openCompiling } from './choose.js';

export type { Attempt, Choice } from './choose.js';

export interface AutoOptions {
  /** Takes this one, whatever else is there. */
  backend?: string;
  /**
   * Threads of an engine that has its own, which is `onnx`; by default one for each core. The others
   * compute on the thread that calls.
   */
  threads?: number;
}

/**
 * Opens the first of `wasm`, `onnx`, `cpu` that works here, and says which it was and why not those
 * before. The order is fixed: nothing is measured. `onnx` compiles, but brings a page megabytes more than
 * `wasm`, which it needs besides: it is for those who ask for it.
 *
 * @throws BackendError `backend/unknown`, `backend/unavailable`.
 */
export function auto({ backend, threads }: AutoOptions = {}): Promise<Choice> {
  const openWasm = async () => (await import('@imglish/backend-wasm')).wasm();
  const openOnnx = async () =>
    openCompiling(openWasm, (await import('@imglish/backend-onnx')).onnx, threads);
  return choose(
    [
      { name: 'wasm', open: openWasm },
      { name: 'onnx', open: openOnnx },
      { name: 'cpu', open: async () => (await import('@imglish/backend-cpu')).cpu() },
    ],
    backend,
  );
}
