import { assertOneEngine, type Backend, engine, openBackend } from '@imglish/core';
import { type KernelBackend, Tensor, version_core } from '@tensorflow/tfjs-core';

/** How tfjs starts its backend: its package says so once, on import. */
let factory: (() => KernelBackend | Promise<KernelBackend>) | undefined;

/**
 * Opens tfjs-backend-cpu and makes it the current backend: plain JavaScript, runs everywhere, slow. It
 * has every kernel that the model, its gradients and the optimizer use.
 *
 * @throws BackendError `backend/two-engines`, `backend/unavailable`.
 */
export async function cpu(): Promise<Backend> {
  assertOneEngine('cpu', { Tensor, version_core });
  return openBackend('cpu', {
    create: async () => {
      await import('@tensorflow/tfjs-backend-cpu');
      factory ??= engine().registryFactory.cpu!.factory;
      const backend = await factory();
      // Its first tensor in Node would print an advertisement.
      (backend as KernelBackend & { firstUse: boolean }).firstUse = false;
      return backend;
    },
  });
}
