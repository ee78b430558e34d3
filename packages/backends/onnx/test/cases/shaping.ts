import { booleans, exactly, floats, integers } from '../values.js';
import type { Case } from './case.js';

const at = (kernel: string, what: string, call: Case['call'], more: Partial<Case> = {}): Case => ({
  kernel,
  what,
  call,
  ...more,
});
const once = { sizes: [2] };

export const shapingCases: Case[] = [
  at('Identity', 'floats', (n) => ({ inputs: { x: floats([n, 2]) } })),
  ...(['float32', 'int32', 'bool'] as const).flatMap((dtype) => [
    at(
      'Cast',
      `float32 to ${dtype}`,
      () => ({
        inputs: { x: exactly([0, -0, 0.3, -0.7, 1.9, -1.9, 100000.5]) },
        attributes: { dtype },
      }),
      once,
    ),
    at('Cast', `int32 to ${dtype}`, (n) => ({
      inputs: { x: integers([n, 4], -2, 2) },
      attributes: { dtype },
    })),
    at('Cast', `bool to ${dtype}`, (n) => ({
      inputs: { x: booleans([n, 4]) },
      attributes: { dtype },
    })),
  ]),
  ...[
    (n: number) => [
      [n, 6],
      [n, 2, 3],
    ],
    (n: number) => [[n, 6], [6 * n]],
    (n: number) => [
      [4, n, 3],
      [12, n],
    ],
    (n: number) => [
      [n, n, 2],
      [n * n, 2],
    ],
    (n: number) => [
      [n * n, 2],
      [n, 1, n, 2],
    ],
    (n: number) => [
      [n, 3],
      [n, 3],
    ],
    (n: number) => [
      [n, 4],
      [-1, 2],
    ],
    () => [[], [1, 1]],
    () => [[1], []],
    () => [
      [0, 3],
      [3, 0],
    ],
  ].map((shapes) => {
    const [from, to] = shapes(2);
    return at('Reshape', `[${from}] to [${to}]`, (n) => {
      const [from, to] = shapes(n);
      return { inputs: { x: floats(from!) }, attributes: { shape: to } };
    });
  }),
  ...[0, 1, 2, -1].map((dim) =>
    at('ExpandDims', `at ${dim}`, (n) => ({
      inputs: { input: floats([n, 2]) },
      attributes: { dim },
    })),
  ),
  ...[
    [0, 1, 2],
    [2, 0, 1],
    [1, 0, 2],
  ].map((perm) =>
    at('Transpose', `${perm}`, (n) => ({ inputs: { x: floats([2, n, 3]) }, attributes: { perm } })),
  ),
  at('Transpose', 'booleans', (n) => ({
    inputs: { x: booleans([n, 3]) },
    attributes: { perm: [1, 0] },
  })),
  at('Slice', 'from the middle', (n) => ({
    inputs: { x: floats([n + 2, 5]) },
    attributes: { begin: [1, 2], size: [n, 2] },
  })),
  at('Slice', 'to the end', (n) => ({
    inputs: { x: floats([n + 1, 5]) },
    attributes: { begin: [1, 0], size: [-1, -1] },
  })),
  at('Slice', 'by a free begin', (n) => ({
    inputs: { x: floats([n + 3, 5]) },
    attributes: { begin: [n, 1], size: [2, 4] },
  })),
  at('Slice', 'all', (n) => ({
    inputs: { x: integers([n], 0, 9) },
    attributes: { begin: [0], size: [n] },
  })),
  at('Slice', 'nothing', (n) => ({
    inputs: { x: floats([n, 3]) },
    attributes: { begin: [0, 1], size: [-1, 0] },
  })),
  at('StridedSlice', 'strides, backwards and open ends', (n) => ({
    inputs: { x: floats([n + 3, 6, 4]) },
    attributes: {
      begin: [1, 4, 0],
      end: [0, 0, 0],
      strides: [1, -2, 2],
      beginMask: 0,
      endMask: 0b101,
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: 0,
    },
  })),
  at('StridedSlice', 'a row, an ellipsis, a new axis', (n) => ({
    inputs: { x: floats([n, 3, 4]) },
    attributes: {
      begin: [-1, 0, 0, 1],
      end: [0, 0, 0, 3],
      strides: [1, 1, 1, 1],
      beginMask: 0,
      endMask: 0,
      ellipsisMask: 0b10,
      newAxisMask: 0b100,
      shrinkAxisMask: 0b1,
    },
  })),
  ...[0, 1, -1].map((axis) =>
    at('Concat', `axis ${axis}`, (n) => ({
      inputs: {
        0: floats(axis === 0 ? [n, 3] : [2, n], 1),
        1: floats(axis === 0 ? [2, 3] : [2, 1], 2),
        2: floats(axis === 0 ? [0, 3] : [2, n], 3),
      },
      attributes: { axis },
    })),
  ),
  at('Concat', 'of one', (n) => ({ inputs: { 0: integers([n], 0, 5) }, attributes: { axis: 0 } })),
  at('SplitV', 'in equal parts', (n) => ({
    inputs: { x: floats([n, 6]) },
    attributes: { numOrSizeSplits: 3, axis: 1 },
  })),
  at('SplitV', 'in parts that are given', (n) => ({
    inputs: { x: floats([2, n + 3]) },
    attributes: { numOrSizeSplits: [1, -1, 2], axis: -1 },
  })),
  ...[0, 1, 2, -1].map((axis) =>
    at('Pack', `axis ${axis}`, (n) => ({
      inputs: { 0: floats([n, 3], 1), 1: floats([n, 3], 2) },
      attributes: { axis },
    })),
  ),
  ...[1, -1].map((axis) =>
    at('Unpack', `axis ${axis}`, (n) => ({
      inputs: { value: floats([n, 3]) },
      attributes: { axis },
    })),
  ),
  at('Tile', 'sizes of 1', (n) => ({
    inputs: { x: floats([1, 3, 1]) },
    attributes: { reps: [n, 1, 2] },
  })),
  at('Tile', 'everything', (n) => ({
    inputs: { x: floats([2, n]) },
    attributes: { reps: [n, 2] },
  })),
  at('Tile', 'once', (n) => ({ inputs: { x: booleans([2, n]) }, attributes: { reps: [1, 1] } })),
  at('PadV2', 'with a value', (n) => ({
    inputs: { x: floats([n, 3]) },
    attributes: {
      paddings: [
        [1, n],
        [0, 2],
      ],
      constantValue: 0.5,
    },
  })),
  at('PadV2', 'whole numbers', (n) => ({
    inputs: { x: integers([n, 3], -5, 5) },
    attributes: {
      paddings: [
        [0, 0],
        [1, 0],
      ],
      constantValue: -1,
    },
  })),
  at('PadV2', 'not at all', (n) => ({
    inputs: { x: floats([n]) },
    attributes: { paddings: [[0, 0]], constantValue: 0 },
  })),
  ...['reflect', 'symmetric'].map((mode) =>
    at('MirrorPad', mode, (n) => ({
      inputs: { x: floats([n + 2, 4, 3]) },
      attributes: {
        paddings: [
          [2, 1],
          [0, 3],
          [0, 0],
        ],
        mode,
      },
    })),
  ),
  at(
    'BroadcastTo',
    'new axes and sizes of 1',
    (n) => ({
      inputs: { x: floats([3, 1]) },
      attributes: { shape: [2, 3, n], inputShape: [3, 1] },
    }),
    {
      reference: ({ inputs, attributes }) => {
        const { values } = inputs.x!;
        const [outer, rows, columns] = attributes!.shape as number[];
        const spread = Array.from({ length: outer! }, () =>
          values.flatMap((x) => Array(columns).fill(x)),
        );
        return [{ shape: [outer!, rows!, columns!], dtype: 'float32', values: spread.flat() }];
      },
    },
  ),
  ...[[0], [1], [0, -1], []].map((dims) =>
    at('Reverse', `axes ${dims}`, (n) => ({ inputs: { x: floats([n, 3]) }, attributes: { dims } })),
  ),
  ...['ZerosLike', 'OnesLike'].flatMap((kernel) => [
    at(kernel, 'floats', (n) => ({ inputs: { x: floats([n, 2]) } })),
    at(kernel, 'booleans', (n) => ({ inputs: { x: booleans([n, 2]) } })),
    at(kernel, 'a scalar', () => ({ inputs: { x: integers([], 0, 9) } }), once),
  ]),
  ...[
    { start: 0, stop: 5, step: 1, dtype: 'int32' },
    { start: 1, stop: 2, step: 0.3, dtype: 'float32' },
    { start: 5, stop: 0, step: 1, dtype: 'int32' },
    { start: 5, stop: 0, step: -2, dtype: 'float32' },
    { start: 2, stop: 2, step: 1, dtype: 'int32' },
    { start: 0, stop: 2, step: -1, dtype: 'int32' },
  ].map((attributes) =>
    at('Range', JSON.stringify(attributes), () => ({ inputs: {}, attributes }), once),
  ),
  at(
    'LinSpace',
    'floats',
    () => ({ inputs: {}, attributes: { start: -1, stop: 2, num: 7 } }),
    once,
  ),
  at(
    'Fill',
    'floats',
    () => ({ inputs: {}, attributes: { shape: [2, 3], value: 0.1, dtype: 'float32' } }),
    once,
  ),
  at(
    'Fill',
    'whole numbers',
    () => ({ inputs: {}, attributes: { shape: [], value: 7, dtype: 'int32' } }),
    once,
  ),
  at(
    'Fill',
    'booleans',
    () => ({ inputs: {}, attributes: { shape: [2], value: true, dtype: 'bool' } }),
    once,
  ),
];
