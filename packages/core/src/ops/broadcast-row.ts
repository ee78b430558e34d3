import { add, slice, sum, type Tensor, type Tensor3D, zerosLike } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/**
 * One row for every sample of a batch: row `[1, 1, D]`, like `[B, N, D]` → `[B, 1, D]`.
 *
 * An op of its own because tfjs broadcasts by `tile`, whose gradient is a slice per repetition.
 */
export function broadcastRow(row: Tensor, like: Tensor3D): Tensor3D {
  const first = slice(like, [0, 0, 0], [-1, 1, -1]);
  return differentiable<Tensor3D>(
    [row],
    () => add(zerosLike(first), row) as Tensor3D,
    (dy) => [sum(dy, 0, true)],
  );
}
