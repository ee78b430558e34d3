import {
  add,
  addN,
  div,
  minimum,
  type Scalar,
  scalar,
  sqrt,
  square,
  sum,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';

/**
 * ‖g‖ = √(Σ over all gradients and elements of g²), float32.
 *
 * Rows are summed before their sums are, which keeps the rounding error of an embedding table with
 * tens of millions of elements small on engines that sum one element after another.
 */
export function globalNorm(gradients: Readonly<Record<string, Tensor>>): Scalar {
  return tidy(() => {
    const squares = Object.values(gradients).map((gradient) => {
      const squared = square(gradient);
      return sum(squared.rank > 1 ? sum(squared, -1) : squared) as Scalar;
    });
    return squares.length > 0 ? (sqrt(addN(squares)) as Scalar) : scalar(0);
  });
}

/** Added to the norm, as PyTorch does: gradients of norm 0 are not divided by 0. */
export const CLIP_EPSILON = 1e-6;

/**
 * The factor that brings gradients of norm `norm` down to `maxNorm`: maxNorm / (norm + 1e-6), at
 * most 1, as `torch.nn.utils.clip_grad_norm_`.
 */
export function clipFactor(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + CLIP_EPSILON));
}

/** `clipFactor` of scalars, where the update is recorded. To be called in a `tidy`. */
export function recordedClipFactor(norm: Scalar, limit: Scalar): Scalar {
  return minimum(1, div(limit, add(norm, CLIP_EPSILON)));
}
