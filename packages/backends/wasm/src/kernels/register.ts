import {
  getKernel,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { heapOf } from '../heap.js';
import { fused } from './fused.js';
import type { Attributes, Inputs } from './kernel.js';
import { lacking } from './lacking.js';
import { products } from './products.js';

const registered: Set<string> = new Set();

/** Gives the backend `wasm` the kernels of this package; those of tfjs that they replace are removed. */
export function registerKernels(): void {
  for (const [kernelName, kernel] of Object.entries({ ...lacking, ...products, ...fused })) {
    if (registered.has(kernelName)) continue;
    registered.add(kernelName);
    if (getKernel(kernelName, 'wasm')) unregisterKernel(kernelName, 'wasm');
    registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc: ({ inputs, backend, attrs }): TensorInfo | TensorInfo[] =>
        kernel(heapOf(backend as never), inputs as Inputs, (attrs ?? {}) as Attributes),
    });
  }
}
