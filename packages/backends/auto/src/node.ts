import { type Choice, choose } from './choose.js';
import type { AutoOptions } from './index.js';

export type { Attempt, Choice } from './choose.js';
export type { AutoOptions } from './index.js';

/**
 * `auto()` for Node: the first of `wasm`, `cpu` that works here. The environment variable
 * `IMGLISH_BACKEND` overrules the order, the option overrules both.
 *
 * @throws BackendError `backend/unknown`, `backend/unavailable`.
 */
export function auto({ backend }: AutoOptions = {}): Promise<Choice> {
  return choose(
    [
      { name: 'wasm', open: async () => (await import('@imglish/backend-wasm/node')).wasm() },
      { name: 'cpu', open: async () => (await import('@imglish/backend-cpu')).cpu() },
    ],
    backend ?? (process.env.IMGLISH_BACKEND || undefined),
  );
}
