import { getGradient, registerGradient } from '@tensorflow/tfjs-core';
import { gradients } from '../../generated/tfjs-gradients.js';

/**
 * Registers the gradients of tfjs's own kernels. Those that are registered already, by
 * `@tensorflow/tfjs` or by a caller who wants another, stay as they are.
 */
export function registerGradients(): void {
  for (const gradient of gradients) {
    if (getGradient(gradient.kernelName) === undefined) registerGradient(gradient);
  }
}
