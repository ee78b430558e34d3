import { add, slice, sum, type Tensor, type Tensor3D, zerosLike } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { requireShapes } from './require-shapes.js';

/**
 * One row for every sample of a batch: row `[1, 1, D]`, like `[B, N, D]` → `[B, 1, D]`.
 *
 * An op of its own because tfjs broadcasts by `tile`, whose gradient is a slice per repetition.
 */
export function broadcastRow(row: Tensor, like: Tensor3D): Tensor3D {
  const fits = like.rank === 3 && row.shape.join() === [1, 1, like.shape[2]].join();
  requireShapes('broadcastRow', fits, 'row [1, 1, D], like [B, N, D]', { row, like });
  return differentiable<Tensor3D>(
    [row],
    () => add(zerosLike(slice(like, [0, 0, 0], [-1, 1, -1])), row) as Tensor3D,
    (dy) => [sum(dy, 0, true)],
  );
}
