import type { Tensor } from '@tensorflow/tfjs-core';
import { hasFused, runFused } from './dispatch.js';

/**
 * x, to be had only once `token` has been computed. Eager engines compute one thing after another;
 * a recorded graph has no order but this. No gradient passes through.
 *
 * Kernel: `ImglishAfter {x, token} → x`; without one, `x` itself.
 */
export function after<T extends Tensor>(x: T, token: Tensor): T {
  return hasFused('ImglishAfter') ? (runFused('ImglishAfter', { x, token })[0] as T) : x;
}
