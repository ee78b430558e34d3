import { type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { concat, matMul, reshape, slice, transpose } from '../ops/index.js';
import { FIRST_POSITION } from './specs.js';

/** Bicubic coefficient of torch's `interpolate`; Pillow's is −0.5. */
const CUBIC = -0.75;

/**
 * The bicubic resampling of a line as a matrix `[to, from]`, row-major: y = R x.
 *
 * As `torch.nn.functional.interpolate(mode="bicubic", align_corners=False)`: source coordinate
 * (i + 0.5) · from / to − 0.5, four taps, indices clamped at the ends, no antialiasing
 * (reference: utils.py:521-583).
 */
export function bicubicMatrix(from: number, to: number): Float32Array {
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const source = ((i + 0.5) * from) / to - 0.5;
    const base = Math.floor(source);
    for (let tap = -1; tap <= 2; tap++) {
      const index = Math.min(Math.max(base + tap, 0), from - 1);
      matrix[i * from + index]! += cubic(Math.abs(source - base - tap));
    }
  }
  return matrix;
}

function cubic(x: number): number {
  if (x <= 1) return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
  if (x < 2) return ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC;
  return 0;
}

/**
 * Rows for `<cls>` and a grid of patches from the image's position table: `[1 + h w, D]`.
 *
 * Where the grid is the table's own the rows are taken as they are; otherwise the patch rows are
 * resized bicubically (differentiable: two matrix products), `<cls>` stays.
 */
export function imagePositions(
  table: Tensor2D,
  own: readonly [number, number],
  grid: readonly [number, number],
): Tensor2D {
  const [rows, columns] = own;
  const [h, w] = grid;
  const dim = table.shape[1];
  if (h === rows && w === columns) return slice(table, [FIRST_POSITION, 0], [1 + h * w, dim]);
  const cls = slice(table, [FIRST_POSITION, 0], [1, dim]); // [1, D]
  const patches = slice(table, [FIRST_POSITION + 1, 0], [rows * columns, dim]); // [r c, D]
  const vertical = tensor2d(bicubicMatrix(rows, h), [h, rows]);
  const horizontal = tensor2d(bicubicMatrix(columns, w), [w, columns]);
  const tall = matMul(vertical, reshape(patches, [rows, columns * dim])); // [h, c D]
  const sideways = reshape(transpose(reshape(tall, [h, columns, dim]), [1, 0, 2]), [columns, -1]); // [c, h D]
  const wide = reshape(matMul(horizontal, sideways), [w, h, dim]); // [w, h, D]
  const resized = reshape(transpose(wide, [1, 0, 2]), [h * w, dim]) as Tensor2D; // [h w, D]
  return concat([cls, resized], 0) as Tensor2D;
}
