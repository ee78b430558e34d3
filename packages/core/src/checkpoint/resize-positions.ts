import { ShapeError } from '../errors/errors.js';
import { bicubicMatrix } from '../model/positions.js';
import { FIRST_POSITION } from '../model/specs.js';

/** Rows and columns of patches. */
export type Grid = readonly [height: number, width: number];

/** Rows of an image position table before its grid: two that are never read, then `<cls>`. */
export const POSITION_PREFIX_ROWS: number = FIRST_POSITION + 1;

/**
 * Resizes an image position table to another grid of patches: `[3 + h·w, D]` → `[3 + h'·w', D]`.
 *
 * The first three rows are kept, the grid is resized by cubic convolution with a = -0.75, corners
 * not aligned, borders repeated, no antialiasing (reference: utils.py:545-579, which is PyTorch's
 * `interpolate(mode='bicubic')`). Sums are taken in float64.
 */
export function resizePositions(
  table: Float32Array,
  width: number,
  from: Grid,
  to: Grid,
): Float32Array {
  const prefix = POSITION_PREFIX_ROWS * width;
  if (table.length !== prefix + from[0] * from[1] * width) {
    throw new ShapeError({
      code: 'shape/positions',
      where: 'resizePositions',
      expected: `[${POSITION_PREFIX_ROWS} + ${from[0]} × ${from[1]}, ${width}]`,
      got: `${table.length} elements`,
    });
  }
  const result = new Float32Array(prefix + to[0] * to[1] * width);
  result.set(table.subarray(0, prefix));
  const rows = taps(from[0], to[0]);
  const columns = taps(from[1], to[1]);
  const sum = new Float64Array(width);
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      sum.fill(0);
      for (const [fromY, weightY] of row) {
        for (const [fromX, weightX] of column) {
          const weight = weightY * weightX;
          const start = prefix + (fromY * from[1] + fromX) * width;
          for (let d = 0; d < width; d++) sum[d]! += weight * table[start + d]!;
        }
      }
      result.set(sum, prefix + (y * to[1] + x) * width);
    }
  }
  return result;
}

/** For every output position the input positions that it is made of, with their weights. */
function taps(from: number, to: number): [position: number, weight: number][][] {
  const matrix = bicubicMatrix(from, to); // [to, from]
  return Array.from({ length: to }, (_, i) => {
    const row = matrix.subarray(i * from, (i + 1) * from);
    return [...row.entries()].filter(([, weight]) => weight !== 0);
  });
}
