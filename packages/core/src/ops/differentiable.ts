import { customGrad, type GradSaveFunc, type Tensor, tidy } from '@tensorflow/tfjs-core';

/**
 * An op with a gradient of its own.
 *
 * `forward` computes the value from `inputs` and hands what the gradient needs to `save` (a tensor
 * that is only captured would be gone by then); `backward` gets the saved tensors and returns
 * ∂loss/∂input for every input, in order. Everything either makes besides its results is disposed.
 * An input that never needs a gradient (a mask, ids) gets `scalar(0)`: where it is reached for after
 * all, tfjs refuses a gradient of another shape.
 */
export function differentiable<T extends Tensor>(
  inputs: Tensor[],
  forward: (save: (tensors: Tensor[]) => void) => T,
  backward: (dy: T, saved: Tensor[]) => Tensor[],
): T {
  const op = customGrad((...args) => {
    const save = args.at(-1) as GradSaveFunc;
    let needed: Tensor[] = [];
    const value = forward((tensors) => {
      needed = tensors;
    });
    // Only now: what is saved is kept until the backward pass, which never comes when forward throws.
    save(needed);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => tidy(() => backward(dy as T, saved)),
    };
  });
  return op(...inputs) as T;
}
