import { div, maximum, mul, sqrt, square, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/**
 * x / max(‖x‖, ε) over the last axis, as `torch.nn.functional.normalize`; x `[..., D]`.
 *
 * The gradient is (dy − y ⟨y, dy⟩) / max(‖x‖, ε): exact while ‖x‖ > ε.
 */
export function l2Normalize(x: Tensor, epsilon = 1e-12): Tensor {
  return differentiable(
    [x],
    (save) => {
      const norm = maximum(sqrt(sum(square(x), -1, true)), epsilon); // [..., 1]
      const y = div(x, norm);
      save([y, norm]);
      return y;
    },
    (dy, [y, norm]) => [div(sub(dy, mul(y!, sum(mul(y!, dy), -1, true))), norm!)],
  );
}
