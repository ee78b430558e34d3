import {
  getKernel,
  type KernelBackend,
  type KernelFunc,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { heapOf } from '../heap.js';
import { fused } from './fused.js';
import type { Attributes, Inputs, Kernel } from './kernel.js';
import { lacking } from './lacking.js';
import { moves } from './moves.js';
import { products } from './products.js';

const registered: Set<string> = new Set();

/** Gives the backend `wasm` the kernels of this package, in place of those of tfjs that they replace. */
export function registerKernels(): void {
  for (const [kernelName, kernel] of Object.entries({
    ...lacking,
    ...moves,
    ...products,
    ...fused,
  })) {
    if (registered.has(kernelName)) continue;
    registered.add(kernelName);
    const replaced = getKernel(kernelName, 'wasm');
    if (replaced) unregisterKernel(kernelName, 'wasm');
    registerKernel({
      kernelName,
      backendName: 'wasm',
      // A kernel of tfjs that is fallen back to has to be set up as if it were still registered.
      ...(replaced?.setupFunc && { setupFunc: replaced.setupFunc }),
      kernelFunc: kernelFunction(kernelName, kernel, replaced?.kernelFunc),
    });
  }
}

function kernelFunction(
  name: string,
  kernel: Kernel,
  replaced: KernelFunc | undefined,
): KernelFunc {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const tfjs = () => {
      if (replaced) return replaced(call);
      throw new Error(`tfjs-wasm has no kernel ${name}`);
    };
    return kernel(
      heapOf(backend as KernelBackend),
      inputs as Inputs,
      (attrs ?? {}) as Attributes,
      tfjs,
    );
  };
}
