import '@tensorflow/tfjs-backend-cpu';
import {
  ones,
  scalar,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkOp } from '../../test/check-op.js';
import { rowsOf } from '../../test/reference.js';
import { broadcastRow } from './broadcast-row.js';
import { gatherRows } from './gather-rows.js';
import { l2Normalize } from './l2-normalize.js';

describe('gatherRows', () => {
  it.each([
    { table: [5, 3], indices: [0, 4, 4, 2, 4] },
    { table: [1, 3], indices: [0, 0] },
    { table: [4, 1], indices: [3] },
  ])('takes rows $indices of a table [$table]; each gets every dy it gave', (given) => {
    const indices = tensor1d(given.indices, 'int32');
    const width = given.table[1]!;
    checkOp({
      shapes: { table: given.table },
      op: ({ table }) => gatherRows(table as Tensor2D, indices),
      reference: ({ table }) => given.indices.flatMap((i) => rowsOf(table!, width)[i]!),
    });
    indices.dispose();
  });

  it('refuses indices that are no list of integers', () => {
    const table = ones([3, 2]) as Tensor2D;
    for (const indices of [ones([2]), ones([2, 1], 'int32'), scalar(1, 'int32')]) {
      expect(() => gatherRows(table, indices as Tensor1D)).toThrow(
        expect.objectContaining({ code: 'shape/gather-rows' }),
      );
    }
  });
});

describe('broadcastRow', () => {
  it.each([1, 3])('gives the row to %i samples, and sums what comes back', (batch) => {
    const like = ones([batch, 2, 4]) as Tensor3D;
    checkOp({
      shapes: { row: [1, 1, 4] },
      op: ({ row }) => broadcastRow(row!, like),
      reference: ({ row }) => Array(batch).fill(row).flat(),
    });
    like.dispose();
  });

  it('refuses another row than [1, 1, D]', () => {
    for (const row of [ones([4]), ones([1, 1, 3])]) {
      expect(() => broadcastRow(row, ones([2, 2, 4]))).toThrow(
        expect.objectContaining({ code: 'shape/broadcast-row' }),
      );
    }
  });
});

describe('l2Normalize', () => {
  const normalized = (row: number[], epsilon: number) =>
    row.map((x) => x / Math.max(Math.hypot(...row), epsilon));

  it.each([[[4]], [[3, 4]], [[2, 3, 1]]])('divides x [%s] by the norm of its rows', (shape) => {
    checkOp({
      shapes: { x: shape },
      op: ({ x }) => l2Normalize(x!),
      reference: ({ x }) => rowsOf(x!, shape.at(-1)!).flatMap((row) => normalized(row, 1e-12)),
    });
  });

  it('leaves a row of zeros at zero', () => {
    expect([...l2Normalize(tensor1d([0, 0])).dataSync()]).toEqual([0, 0]);
  });
});
