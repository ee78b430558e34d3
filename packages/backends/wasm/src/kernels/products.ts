import { broadcast_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { type Heap, size } from '../heap.js';
import type { Inputs, Kernels } from './kernel.js';

/** A matrix in the heap: where it begins and how far apart, in elements, rows and columns are. */
interface Matrix {
  at: number;
  row: number;
  column: number;
}

const matrix = (at: number, columns: number): Matrix => ({ at, row: columns, column: 1 });
const transposed = ({ at, row, column }: Matrix): Matrix => ({ at, row: column, column: row });

/** C [m, n] at `c` = A B + bias [n] (0: none). */
function multiply(
  heap: Heap,
  [m, n, k]: readonly [m: number, n: number, k: number],
  a: Matrix,
  b: Matrix,
  c: number,
  bias = 0,
): void {
  const { gemm, gemmWork } = heap.functions;
  const work = heap.work(gemmWork(m, n, k));
  gemm!(m, n, k, a.at, a.row, a.column, b.at, b.row, b.column, c, 1, bias, work);
}

/**
 * tfjs's matMul. Its own kernel leaves XNNPACK for a plain loop as soon as an operand is transposed or
 * there is more than one matrix: 13 to 30 times slower.
 */
function batchMatMul(
  heap: Heap,
  { a, b }: Inputs,
  transposeA: boolean,
  transposeB: boolean,
): TensorInfo {
  const [aRows, aColumns] = a!.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b!.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const n = transposeB ? bRows : bColumns;
  const aOuter = a!.shape.slice(0, -2);
  const bOuter = b!.shape.slice(0, -2);
  const outer = broadcast_util.assertAndGetBroadcastShape(aOuter, bOuter);
  const aIndex = broadcastIndex(aOuter, outer);
  const bIndex = broadcastIndex(bOuter, outer);

  const out = heap.output([...outer, m, n], 'float32');
  heap.work(heap.functions.gemmWork(m, n, k));
  const [aAt, bAt, outAt] = [heap.at(a!), heap.at(b!), heap.at(out)];
  for (let i = 0; i < size(outer); i++) {
    const left = matrix(aAt + 4 * aIndex(i) * aRows * aColumns, aColumns);
    const right = matrix(bAt + 4 * bIndex(i) * bRows * bColumns, bColumns);
    multiply(
      heap,
      [m, n, k],
      transposeA ? transposed(left) : left,
      transposeB ? transposed(right) : right,
      outAt + 4 * i * m * n,
    );
  }
  return out;
}

/** From the flat index of a matrix in `outer` to that of the one in `shape` it comes from. */
function broadcastIndex(shape: readonly number[], outer: readonly number[]): (i: number) => number {
  if (size(shape) === size(outer)) return (i) => i;
  const padded = [...outer.slice(shape.length).map(() => 1), ...shape];
  return (i) => {
    let rest = i;
    let index = 0;
    let stride = 1;
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      if (padded[axis] !== 1) index += (rest % outer[axis]!) * stride;
      stride *= padded[axis]!;
      rest = Math.floor(rest / outer[axis]!);
    }
    return index;
  };
}

export const products: Kernels = {
  BatchMatMul: (heap, inputs, { transposeA, transposeB }) =>
    batchMatMul(heap, inputs, Boolean(transposeA), Boolean(transposeB)),

  ImglishLinear: (heap, { x, weight, bias }) => {
    const [m, inner] = x!.shape as [number, number];
    const n = weight!.shape[0]!;
    const y = heap.output([m, n], 'float32');
    heap.work(heap.functions.gemmWork(m, n, inner));
    const right = transposed(matrix(heap.at(weight!), inner));
    const at = bias ? heap.at(bias) : 0;
    multiply(heap, [m, n, inner], matrix(heap.at(x!), inner), right, heap.at(y), at);
    return y;
  },

  ImglishLinearGrad: (heap, { dy, x, weight }) => {
    const [m, n] = dy!.shape as [number, number];
    const inner = weight!.shape[1]!;
    const outputs = heap.outputs([m, inner], [n, inner], [n]);
    const [dx, dweight, dbias] = outputs.map((output) => heap.at(output)) as [
      number,
      number,
      number,
    ];
    const upstream = matrix(heap.at(dy!), n);
    multiply(heap, [m, inner, n], upstream, matrix(heap.at(weight!), inner), dx);
    multiply(heap, [n, inner, m], transposed(upstream), matrix(heap.at(x!), inner), dweight);
    heap.functions.columnSums!(upstream.at, dbias, m, n);
    return outputs;
  },
};
