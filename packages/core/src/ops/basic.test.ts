import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkOp, type OpCase } from '../../test/check-op.js';
import { valuesOf } from '../../test/numbers.js';
import { rowsOf, softmaxOf, total } from '../../test/reference.js';
import * as basic from './basic.js';

const {
  add,
  broadcastTo,
  concat,
  div,
  exp,
  expandDims,
  gather,
  log,
  matMul,
  mean,
  mul,
  neg,
  pad,
  reshape,
  slice,
  softmax,
  square,
  sub,
  sum,
  tanh,
  transpose,
  where,
} = basic;

const X = { x: [2, 3] };
const PAIR = { x: [2, 3], y: [2, 3] };
const ROW = { x: [2, 3], y: [3] };
const along =
  (f: (x: number, y: number) => number): OpCase['reference'] =>
  ({ x, y }) =>
    x!.map((value, i) => f(value, y![i % y!.length]!));
const each =
  (f: (x: number) => number): OpCase['reference'] =>
  ({ x }) =>
    x!.map(f);
const columns = (x: number[]) => [0, 3, 1, 4, 2, 5].map((i) => x[i]!);
const positive = { x: [0.5, 1, 2, 3, 0.1, 7] };

const CASES: Record<string, OpCase> = {
  add: { shapes: PAIR, op: ({ x, y }) => add(x!, y!), reference: along((x, y) => x + y) },
  'add, broadcast': {
    shapes: ROW,
    op: ({ x, y }) => add(x!, y!),
    reference: along((x, y) => x + y),
  },
  sub: { shapes: ROW, op: ({ x, y }) => sub(x!, y!), reference: along((x, y) => x - y) },
  mul: { shapes: ROW, op: ({ x, y }) => mul(x!, y!), reference: along((x, y) => x * y) },
  div: {
    shapes: ROW,
    values: { y: [2, -0.5, 3] },
    op: ({ x, y }) => div(x!, y!),
    reference: along((x, y) => x / y),
  },
  neg: { shapes: X, op: ({ x }) => neg(x!), reference: each((x) => -x) },
  exp: { shapes: X, op: ({ x }) => exp(x!), reference: each(Math.exp) },
  log: { shapes: X, values: positive, op: ({ x }) => log(x!), reference: each(Math.log) },
  tanh: { shapes: X, op: ({ x }) => tanh(x!), reference: each(Math.tanh) },
  square: { shapes: X, op: ({ x }) => square(x!), reference: each((x) => x * x) },
  sum: {
    shapes: X,
    op: ({ x }) => sum(x!, -1),
    reference: ({ x }) => rowsOf(x!, 3).map(total),
  },
  mean: {
    shapes: X,
    op: ({ x }) => mean(x!, 0),
    reference: ({ x }) => [0, 1, 2].map((i) => (x![i]! + x![i + 3]!) / 2),
  },
  softmax: {
    shapes: X,
    op: ({ x }) => softmax(x!),
    reference: ({ x }) => rowsOf(x!, 3).flatMap(softmaxOf),
  },
  matMul: {
    shapes: { x: [2, 3], y: [3, 1] },
    op: ({ x, y }) => matMul(x!, y!),
    reference: ({ x, y }) => rowsOf(x!, 3).map((row) => total(row.map((v, i) => v * y![i]!))),
  },
  transpose: { shapes: X, op: ({ x }) => transpose(x!), reference: ({ x }) => columns(x!) },
  reshape: { shapes: X, op: ({ x }) => reshape(x!, [3, -1]), reference: ({ x }) => x! },
  expandDims: { shapes: X, op: ({ x }) => expandDims(x!, 1), reference: ({ x }) => x! },
  broadcastTo: {
    shapes: { x: [1, 3] },
    op: ({ x }) => broadcastTo(x!, [2, 3]),
    reference: ({ x }) => [...x!, ...x!],
  },
  concat: {
    shapes: PAIR,
    op: ({ x, y }) => concat([x!, y!], 1),
    reference: ({ x, y }) => [...x!.slice(0, 3), ...y!.slice(0, 3), ...x!.slice(3), ...y!.slice(3)],
  },
  slice: {
    shapes: X,
    op: ({ x }) => slice(x!, [0, 1], [-1, 1]),
    reference: ({ x }) => [x![1]!, x![4]!],
  },
  pad: {
    shapes: X,
    op: ({ x }) =>
      tf.tidy(() =>
        pad(x!, [
          [0, 1],
          [0, 0],
        ]),
      ),
    reference: ({ x }) => [...x!, 0, 0, 0],
  },
  gather: {
    shapes: { x: [3, 2] },
    op: ({ x }) => tf.tidy(() => gather(x!, tf.tensor1d([2, 0, 2], 'int32'))),
    reference: ({ x }) => [2, 0, 2].flatMap((i) => x!.slice(2 * i, 2 * i + 2)),
  },
  where: {
    shapes: PAIR,
    op: ({ x, y }) => tf.tidy(() => where(tf.tensor2d([1, 0, 0, 0, 1, 1], [2, 3], 'bool'), x!, y!)),
    reference: ({ x, y }) => x!.map((value, i) => ([0, 4, 5].includes(i) ? value : y![i]!)),
  },
};

/** Without a gradient: they compare, count, or make a constant. */
const CONSTANTS: Record<string, [tf.Tensor, number[]]> = {
  argMin: [
    basic.argMin(
      tf.tensor2d([
        [3, 1, 2],
        [0, 5, 0],
      ]),
      1,
    ),
    [1, 0],
  ],
  cast: [basic.cast(tf.tensor1d([1.7, -1.7]), 'int32'), [1, -1]],
  equal: [basic.equal(tf.tensor1d([1, 2]), 2), [0, 1]],
  greater: [basic.greater(tf.tensor1d([1, 2, 3]), 2), [0, 0, 1]],
  lessEqual: [basic.lessEqual(tf.tensor1d([1, 2, 3]), 2), [1, 1, 0]],
  onesLike: [basic.onesLike(tf.tensor1d([5, 6])), [1, 1]],
  range: [basic.range(0, 3, 1, 'int32'), [0, 1, 2]],
  scalar: [basic.scalar(3), [3]],
};

describe('the plain ops', () => {
  it.each(Object.entries(CASES))('%s', (_, given) => checkOp(given));

  it.each(Object.entries(CONSTANTS))('%s', (_, [value, expected]) => {
    expect(valuesOf(value)).toEqual(expected);
  });

  it('are all tested here', () => {
    const tested = [...Object.keys(CASES), ...Object.keys(CONSTANTS)];
    expect(Object.keys(basic).filter((name) => !tested.includes(name))).toEqual([]);
  });
});
