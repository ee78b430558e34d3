import type { Call, Given } from '../one-node.js';
import { booleans, floats, integers } from '../values.js';
import type { Case } from './case.js';

type Make = (shape: number[]) => Given;

/** Over one axis, several, all, one of size 1, and none. */
const reduction = (kernel: string, make: Make, axes = 'axis'): Case[] => [
  ...[
    { axis: [1], keepDims: false },
    { axis: [0, 2], keepDims: true },
    { axis: [-1], keepDims: true },
    { axis: undefined, keepDims: false },
    { axis: 0, keepDims: false },
    { axis: [], keepDims: false },
  ].map(({ axis, keepDims }) => ({
    kernel,
    what: `axes ${axis}${keepDims ? ', kept' : ''}, of ${make([]).dtype}`,
    call: (n: number) => ({
      inputs: { x: make([2, n, 3]) },
      attributes: { [axes]: axis, keepDims },
    }),
  })),
  {
    kernel,
    what: `a scalar ${make([]).dtype}`,
    call: () => ({ inputs: { x: make([]) }, attributes: { [axes]: undefined, keepDims: false } }),
    sizes: [2],
  },
];

const nothing = (kernel: string): Case => ({
  kernel,
  what: 'nothing',
  call: () => ({ inputs: { x: floats([2, 0]) }, attributes: { axis: [1], keepDims: false } }),
  sizes: [2],
});

const few = (shape: number[]) => integers(shape, -3, 3);

export const reductionCases: Case[] = [
  ...['Sum', 'Mean', 'Prod', 'Min'].flatMap((kernel) =>
    [floats, few].flatMap((make) => reduction(kernel, make)),
  ),
  ...['Sum', 'Mean', 'All', 'Any'].flatMap((kernel) => reduction(kernel, booleans)),
  ...[floats, few].flatMap((make) => reduction('Max', make, 'reductionIndices')),
  ...['Sum', 'Prod'].map(nothing),
  ...['ArgMax', 'ArgMin'].flatMap((kernel) =>
    [0, 1, 2].flatMap((axis) =>
      [floats, few].map((make) => ({
        kernel,
        what: `axis ${axis} of ${make([]).dtype}`,
        call: (n: number) => ({ inputs: { x: make([2, n, 3]) }, attributes: { axis } }),
      })),
    ),
  ),
  ...[floats, few].flatMap((make) =>
    [
      { axis: 1, exclusive: false, reverse: false },
      { axis: 1, exclusive: true, reverse: false },
      { axis: 0, exclusive: false, reverse: true },
      { axis: 0, exclusive: true, reverse: true },
    ].map((attributes) => ({
      kernel: 'Cumsum',
      what: `${make([]).dtype} ${JSON.stringify(attributes)}`,
      call: (n: number) => ({ inputs: { x: make([n, 4]) }, attributes }),
    })),
  ),
  // tfjs knows the last axis only.
  ...[1, -1].flatMap((axis) => [
    {
      kernel: 'Softmax',
      what: `axis ${axis}`,
      call: (n: number) => ({
        inputs: { logits: floats([n, 5], 1, 20) },
        attributes: { dim: axis },
      }),
    },
    {
      kernel: 'LogSoftmax',
      what: `axis ${axis}`,
      call: (n: number) => ({ inputs: { logits: floats([n, 5], 1, 20) }, attributes: { axis } }),
      reference: ({ inputs: { logits } }: Call) => [
        {
          ...logits!,
          values: logits!.values.map((z, i) => {
            const row = logits!.values.slice(i - (i % 5), i - (i % 5) + 5);
            return z - Math.log(row.reduce((sum, other) => sum + Math.exp(other), 0));
          }),
        },
      ],
    },
  ]),
];
