import {
  add,
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
 * Σ of the smallest values among those of weight 1; x, weights and places `[M]` → scalar. `places` has
 * a 1 for each value that counts, by rank: n ones and then zeros for the n smallest. How many is not
 * part of the function, so a recorded one serves any number.
 *
 * The gradient reaches the chosen values only, as `torch.topk(largest=False)` has it.
 */
export function sumOfSmallest(x: Tensor1D, weights: Tensor1D, places: Tensor1D): Scalar {
  const [size] = x.shape;
  const fits = x.rank === 1 && [weights, places].every(({ shape }) => shape.join() === `${size}`);
  requireShapes('sumOfSmallest', fits, 'x, weights and places [M]', { x, weights, places });
  return differentiable<Scalar>(
    [x, weights, places],
    (save) => {
      const beyond = mul(sub(1, weights), 1e30); // empty slots come last
      const { indices } = topk(neg(add(x, beyond)) as Tensor1D, size);
      save([indices, places]);
      return sum(mul(gather(x, indices), places)) as Scalar;
    },
    (dy, [indices, counted]) => {
      const each = mul(dy, counted!) as Tensor1D;
      return [unsortedSegmentSum(each, indices as Tensor1D, size), scalar(0), scalar(0)];
    },
  );
}
