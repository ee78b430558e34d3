import { type Choice, choose } from './choose.js';

export type { Attempt, Choice } from './choose.js';

export interface AutoOptions {
  /** Takes this one, whatever else is there. */
  backend?: string;
}

/**
 * Opens the first of `wasm`, `cpu` that works here, and says which it was and why not those before.
 * The order is fixed: nothing is measured.
 *
 * @throws BackendError `backend/unknown`, `backend/unavailable`.
 */
export function auto({ backend }: AutoOptions = {}): Promise<Choice> {
  return choose(
    [
      { name: 'wasm', open: async () => (await import('@imglish/backend-wasm')).wasm() },
      { name: 'cpu', open: async () => (await import('@imglish/backend-cpu')).cpu() },
    ],
    backend,
  );
}
