import { customGrad, type GradSaveFunc, type Tensor, tidy } from '@tensorflow/tfjs-core';

/**
 * An op with a gradient of its own.
 *
 * `forward` computes the value from `inputs` and hands what the gradient needs to `save` (a tensor
 * that is only captured would be gone by then); `backward` gets the saved tensors and returns
 * ∂loss/∂input for every input, in order. Everything either makes besides its results is disposed.
 * An input that never needs a gradient (a mask, ids) gets `none(...)`: reaching for it fails loudly.
 */
export function differentiable<T extends Tensor>(
  inputs: Tensor[],
  forward: (save: (tensors: Tensor[]) => void) => T,
  backward: (dy: T, saved: Tensor[]) => Tensor[],
): T {
  const op = customGrad((...args) => {
    const save = args.at(-1) as GradSaveFunc;
    const value = forward((tensors) => save(tensors));
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => tidy(() => backward(dy as T, saved)),
    };
  });
  return op(...inputs) as T;
}
