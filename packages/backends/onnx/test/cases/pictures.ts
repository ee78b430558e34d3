import { exactly, floats } from '../values.js';
import type { Case } from './case.js';

const layouts = [
  { strides: [1, 1], pad: 'valid', dilations: [1, 1] },
  { strides: [2, 2], pad: 'same', dilations: [1, 1] },
  { strides: [1, 1], pad: 'same', dilations: [2, 2] },
  { strides: [2, 1], pad: 'valid', dilations: [1, 1] },
  {
    strides: [1, 1],
    pad: [
      [0, 0],
      [1, 2],
      [0, 1],
      [0, 0],
    ],
    dilations: [1, 1],
  },
];

const convolution = (kernel: string, filter: number[]): Case[] =>
  layouts.flatMap((layout) => [
    {
      kernel,
      what: JSON.stringify(layout),
      call: (n: number) => ({
        inputs: { x: floats([n, 6, 5, 2], 1), filter: floats(filter, 2) },
        attributes: { ...layout, dataFormat: 'NHWC' },
      }),
    },
  ]);

export const pictureCases: Case[] = [
  ...convolution('Conv2D', [3, 2, 2, 4]),
  ...convolution('DepthwiseConv2dNative', [3, 2, 2, 3]),
  {
    kernel: 'Conv2D',
    what: 'a pad that is a number',
    call: (n) => ({
      inputs: { x: floats([n, 6, 5, 2], 1), filter: floats([3, 3, 2, 2], 2) },
      attributes: {
        strides: 2,
        pad: 1,
        dilations: 1,
        dimRoundingMode: 'floor',
        dataFormat: 'NHWC',
      },
    }),
  },
  {
    kernel: 'Conv2D',
    what: 'channels first',
    call: (n) => ({
      inputs: { x: floats([2, 3, n + 3, 5], 1), filter: floats([2, 2, 3, 2], 2) },
      attributes: { strides: 1, pad: 'valid', dilations: 1, dataFormat: 'NCHW' },
    }),
  },
  {
    kernel: 'Conv2D',
    what: 'a free picture, same',
    call: (n) => ({
      inputs: { x: floats([1, n + 3, 5, 2], 1), filter: floats([3, 2, 2, 2], 2) },
      attributes: { strides: [1, 2], pad: 'same', dilations: [1, 1], dataFormat: 'NHWC' },
    }),
  },
  ...['FusedConv2D', 'FusedDepthwiseConv2D'].map((kernel) => ({
    kernel,
    what: 'bias and prelu',
    call: (n: number) => ({
      inputs: {
        x: floats([n, 5, 5, 2], 1),
        filter: floats([3, 3, 2, 2], 2),
        bias: floats(kernel === 'FusedConv2D' ? [2] : [4], 3),
        preluActivationWeights: exactly(
          kernel === 'FusedConv2D' ? [0.1, -0.3] : [0.1, -0.3, 0.5, 0],
        ),
      },
      attributes: {
        strides: [1, 1],
        pad: 'same',
        dilations: [1, 1],
        dataFormat: 'NHWC',
        activation: 'prelu',
      },
    }),
  })),
  ...['MaxPool', 'AvgPool'].flatMap((kernel) =>
    layouts
      .filter(({ dilations }) => dilations[0] === 1)
      .map((layout) => ({
        kernel,
        what: JSON.stringify(layout),
        call: (n: number) => ({
          inputs: { x: floats([n, 6, 5, 2], 1) },
          attributes: { ...layout, filterSize: [3, 2] },
        }),
      })),
  ),
  ...[
    { alignCorners: false, halfPixelCenters: false },
    { alignCorners: true, halfPixelCenters: false },
    { alignCorners: false, halfPixelCenters: true },
  ].flatMap((how) =>
    [
      [7, 9],
      [2, 3],
      [4, 1],
      [1, 5],
    ].map((size) => ({
      kernel: 'ResizeBilinear',
      what: `${JSON.stringify(how)} to ${size}`,
      call: (n: number) => ({
        inputs: { images: floats([n, 4, 5, 3], 1) },
        attributes: { ...how, size },
      }),
    })),
  ),
];
