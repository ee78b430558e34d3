import '@tensorflow/tfjs-backend-cpu';
import { type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkOp } from '../../test/check-op.js';
import { expectClose, normals, valuesOf } from '../../test/numbers.js';
import { resizePositions } from '../checkpoint/resize-positions.js';
import { bicubicMatrix, imagePositions } from './positions.js';

const DIM = 3;
const table = (rows: number) => tensor2d(normals(rows * DIM, 1), [rows, DIM]);

describe('bicubicMatrix', () => {
  it.each([
    [4, 7],
    [7, 4],
    [1, 3],
    [5, 5],
  ])('from %i to %i: rows add up to 1', (from, to) => {
    const matrix = bicubicMatrix(from, to);
    for (let i = 0; i < to; i++) {
      const row = matrix.subarray(i * from, (i + 1) * from);
      expect(row.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 6);
    }
  });

  it('is the identity for the same size', () => {
    expect([...bicubicMatrix(3, 3)]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  it('weighs four taps with a = −0.75, clamped at the ends: 2 → 4 by hand', () => {
    // Source −0.25: taps at distances 1.75, 0.75, 0.25, 1.25 from indices −2, −1, 0, 1
    const far = (x: number) => -0.75 * (x ** 3 - 5 * x ** 2 + 8 * x - 4);
    const near = (x: number) => 1.25 * x ** 3 - 2.25 * x ** 2 + 1;
    const last = far(1.25);
    expectClose(bicubicMatrix(2, 4).subarray(0, 2), [1 - last, last], 1e-7);
    expect(near(0.25) + near(0.75) + far(1.25) + far(1.75)).toBeCloseTo(1, 12);
    const inner = near(0.25) + far(1.25);
    expectClose(bicubicMatrix(2, 4).subarray(2, 4), [inner, 1 - inner], 1e-7);
  });
});

describe('imagePositions', () => {
  it('takes the rows as they are for its own grid', () => {
    const own = table(3 + 6);
    const positions = imagePositions(own, [2, 3], [2, 3]);
    expect(valuesOf(positions)).toEqual(valuesOf(own).slice(2 * DIM));
  });

  it.each([
    [
      [2, 3],
      [4, 5],
    ],
    [
      [2, 3],
      [3, 2],
    ],
    [
      [4, 4],
      [2, 7],
    ],
    [
      [1, 1],
      [2, 3],
    ],
  ] as [[number, number], [number, number]][])(
    'resizes %s → %s as the loading of a checkpoint does, differentiably',
    (own, grid) => {
      const rows = 3 + own[0] * own[1];
      checkOp({
        shapes: { table: [rows, DIM] },
        op: ({ table }) => tidy(() => imagePositions(table as Tensor2D, own, grid)),
        reference: ({ table }) => {
          const [h, w] = grid;
          const at = (row: number, column: number) => table![row * DIM + column]!;
          const [vertical, horizontal] = [bicubicMatrix(own[0], h), bicubicMatrix(own[1], w)];
          const values = Array.from({ length: DIM }, (_, c) => at(2, c));
          for (let y = 0; y < h; y++) {
            for (let x = 0; x < w; x++) {
              for (let c = 0; c < DIM; c++) {
                let sum = 0;
                for (let r = 0; r < own[0]; r++) {
                  for (let q = 0; q < own[1]; q++) {
                    const weight = vertical[y * own[0] + r]! * horizontal[x * own[1] + q]!;
                    sum += weight * at(3 + r * own[1] + q, c);
                  }
                }
                values.push(sum);
              }
            }
          }
          return values;
        },
      });
      const own_ = table(rows);
      const loaded = resizePositions(Float32Array.from(valuesOf(own_)), DIM, own, grid);
      expectClose(imagePositions(own_, own, grid), loaded.subarray(2 * DIM), 1e-6);
    },
  );
});
