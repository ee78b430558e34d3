import {
  gather,
  scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  unsortedSegmentSum,
} from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { hasFused, runFused } from './dispatch.js';
import { requireShapes } from './require-shapes.js';

/**
 * Rows of a table: y[i] = table[indices[i]]; table `[R, D]`, indices `[M]` int32 → `[M, D]`.
 *
 * Its gradient adds every row of dy where it came from; an index that occurs twice gets both.
 * Serves word embeddings and the gathering of masked positions. Fused kernel:
 * `ImglishScatterAdd {values [M, D], indices [M]} {rows} → [rows, D]`.
 */
export function gatherRows(table: Tensor2D, indices: Tensor1D): Tensor2D {
  const fits = table.rank === 2 && indices.rank === 1 && indices.dtype === 'int32';
  requireShapes('gatherRows', fits, 'table [R, D], indices [M] of int32', { table, indices });
  const rows = table.shape[0];
  return differentiable<Tensor2D>(
    [table, indices],
    (save) => {
      save([indices]);
      return gather(table, indices) as Tensor2D;
    },
    (dy, [indices]) => [scatterAdd(dy, indices as Tensor1D, rows), scalar(0)],
  );
}

function scatterAdd(values: Tensor2D, indices: Tensor1D, rows: number): Tensor {
  return hasFused('ImglishScatterAdd')
    ? runFused('ImglishScatterAdd', { values, indices }, { rows })[0]!
    : unsortedSegmentSum(values, indices, rows);
}
