import {
  add,
  broadcastTo,
  gather,
  mul,
  neg,
  type Scalar,
  scalar,
  sub,
  sum,
  type Tensor1D,
  topk,
  unsortedSegmentSum,
} from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { requireShapes } from './require-shapes.js';

/**
 * Σ of the `count` smallest values among those of weight 1; x and weights `[M]` → scalar.
 *
 * The gradient reaches the chosen values only, as `torch.topk(largest=False)` has it.
 */
export function sumOfSmallest(x: Tensor1D, weights: Tensor1D, count: number): Scalar {
  const [size] = x.shape;
  const fits = x.rank === 1 && weights.shape.join() === `${size}` && count >= 0 && count <= size;
  requireShapes('sumOfSmallest', fits, `x and weights [M], M of at least ${count}`, { x, weights });
  return differentiable<Scalar>(
    [x, weights],
    (save) => {
      const beyond = mul(sub(1, weights), 1e30); // empty slots come last
      const { indices } = topk(neg(add(x, beyond)) as Tensor1D, count);
      save([indices]);
      return sum(gather(x, indices)) as Scalar;
    },
    (dy, [indices]) => {
      const each = broadcastTo(dy, [count]) as Tensor1D;
      return [unsortedSegmentSum(each, indices as Tensor1D, size), scalar(0)];
    },
  );
}
