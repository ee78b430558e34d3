import type { Call, Given } from '../one-node.js';
import { booleans, exactly, floats, integers, sizeOf } from '../values.js';
import type { Case } from './case.js';

/** Sums of rows by id, in float64. */
function segmentSums(
  { inputs, attributes }: Call,
  values: string,
  ids: string,
  rows: string,
): Given[] {
  const { shape, values: x } = inputs[values]!;
  const inner = shape.slice(1);
  const width = sizeOf(inner);
  const count = attributes![rows] as number;
  const sums = Array<number>(count * width).fill(0);
  inputs[ids]!.values.forEach((id, row) => {
    for (let j = 0; j < width; j++) sums[id * width + j]! += x[row * width + j]!;
  });
  return [{ shape: [count, ...inner], dtype: inputs[values]!.dtype, values: sums }];
}

const segments = (kernel: string, values: string, ids: string, rows: string): Case[] =>
  [
    (n: number) => ({ x: floats([n, 3]), count: 2 }),
    (n: number) => ({ x: floats([4 * n, 1]), count: 3 }),
    (n: number) => ({ x: floats([n]), count: n + 1 }),
    (n: number) => ({ x: floats([2, n, 2]), count: n }),
    (n: number) => ({ x: integers([3 * n, 2], -9, 9), count: 2 }),
  ].map((make) => {
    const { x, count } = make(2);
    return {
      kernel,
      what: `[${x.shape}] ${x.dtype} to ${count}`,
      call: (n: number) => {
        const { x, count } = make(n);
        const positions = integers([x.shape[0]!], 0, Math.min(count, 2) - 1);
        return { inputs: { [values]: x, [ids]: positions }, attributes: { [rows]: count } };
      },
      reference: (call: Call) => segmentSums(call, values, ids, rows),
    };
  });

export const indexingCases: Case[] = [
  ...[0, 1, 2].map((axis) => ({
    kernel: 'GatherV2',
    what: `axis ${axis}`,
    call: (n: number) => ({
      inputs: { x: floats([2, 3, 2]), indices: integers([n, 2], 0, 1) },
      attributes: { axis, batchDims: 0 },
    }),
  })),
  {
    kernel: 'GatherV2',
    what: 'a scalar index of whole numbers',
    call: (n) => ({
      inputs: { x: integers([n, 3], 0, 9), indices: exactly([2], 'int32', []) },
      attributes: { axis: 1, batchDims: 0 },
    }),
    // tfjs gives the ops what they ask for: a list.
    reference: ({ inputs }) => [
      {
        shape: [inputs.x!.shape[0]!],
        dtype: 'int32',
        values: inputs.x!.values.filter((_, i) => i % 3 === 2),
      },
    ],
  },
  {
    kernel: 'GatherNd',
    what: 'rows',
    call: (n) => ({ inputs: { params: floats([n, 3, 2]), indices: integers([4, 2], 0, 0) } }),
  },
  {
    kernel: 'GatherNd',
    what: 'elements',
    call: (n) => ({ inputs: { params: floats([2, 3]), indices: integers([n, 2], 0, 1) } }),
  },
  {
    kernel: 'ScatterNd',
    what: 'rows, some twice',
    call: (n) => ({
      inputs: { indices: integers([n, 1], 0, 1), updates: floats([n, 3]) },
      attributes: { shape: [n + 2, 3] },
    }),
  },
  {
    kernel: 'ScatterNd',
    what: 'elements, some twice',
    call: (n) => ({
      inputs: { indices: integers([2 * n, 2], 0, 1), updates: integers([2 * n], -9, 9) },
      attributes: { shape: [2, n + 1] },
    }),
  },
  ...segments('UnsortedSegmentSum', 'x', 'segmentIds', 'numSegments'),
  ...segments('ImglishScatterAdd', 'values', 'indices', 'rows'),
  ...(['float32', 'int32', 'bool'] as const).map((dtype) => ({
    kernel: 'OneHot',
    what: dtype,
    call: (n: number) => ({
      inputs: { indices: integers([n, 2], -1, 4) },
      attributes: { depth: 4, onValue: 1, offValue: 0, dtype },
    }),
  })),
  {
    kernel: 'OneHot',
    what: 'other values',
    call: (n) => ({
      inputs: { indices: integers([n], 0, 3) },
      attributes: { depth: n + 1, onValue: 5, offValue: -2, dtype: 'int32' },
    }),
  },
  {
    kernel: 'Select',
    what: 'floats',
    call: (n) => ({
      inputs: { condition: booleans([n, 4]), t: floats([n, 4], 1), e: floats([n, 4], 2) },
    }),
  },
  {
    kernel: 'Select',
    what: 'booleans',
    call: (n) => ({
      inputs: { condition: booleans([n, 4]), t: booleans([n, 4], 1), e: booleans([n, 4], 2) },
    }),
  },
  {
    kernel: 'Select',
    what: 'broadcast',
    call: (n) => ({
      inputs: { condition: booleans([n, 1]), t: floats([3], 1), e: integers([n, 3], 0, 9) },
    }),
    reference: ({ inputs: { condition, t, e } }) => [
      {
        shape: e!.shape,
        dtype: 'float32',
        values: e!.values.map((x, i) =>
          condition!.values[Math.floor(i / 3)] ? t!.values[i % 3]! : x,
        ),
      },
    ],
  },
  {
    kernel: 'TopK',
    what: 'floats',
    call: (n) => ({ inputs: { x: floats([n, 7]) }, attributes: { k: 3, sorted: true } }),
  },
  {
    kernel: 'TopK',
    what: 'ties',
    call: (n) => ({ inputs: { x: integers([n, 9], 0, 2) }, attributes: { k: 9, sorted: true } }),
  },
];
