import { backend_util } from '@tensorflow/tfjs-core';
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
  ...layouts.flatMap((layout) => {
    const { dilations, ...plain } = layout;
    const what = JSON.stringify(layout);
    const dilated = dilations[0] !== 1;
    const convolved = { ...plain, dataFormat: 'NHWC', dimRoundingMode: undefined };
    const filterShape = [3, 2, 2, 4];
    const gradients: Case[] = dilated
      ? []
      : [
          {
            kernel: 'Conv2DBackpropInput',
            what,
            call: (n: number) => ({
              inputs: {
                dy: floats(outputOf([n, 6, 5, 2], filterShape, layout), 1),
                filter: floats(filterShape, 2),
              },
              attributes: { ...convolved, inputShape: [n, 6, 5, 2] },
            }),
          },
          {
            kernel: 'Conv2DBackpropFilter',
            what,
            call: (n: number) => ({
              inputs: {
                x: floats([n, 6, 5, 2], 1),
                dy: floats(outputOf([n, 6, 5, 2], filterShape, layout), 2),
              },
              attributes: { ...convolved, filterShape },
            }),
          },
        ];
    return gradients;
  }),
  ...layouts.flatMap((layout) => {
    if (layout.dilations[0] !== 1) return []; // tfjs's gradients know no dilation
    const filterShape = [3, 2, 2, 3];
    const dyOf = (n: number, seed: number) =>
      floats(outputOf([n, 6, 5, 2], filterShape, layout).with(3, 6), seed);
    return [
      {
        kernel: 'DepthwiseConv2dNativeBackpropInput',
        what: JSON.stringify(layout),
        call: (n: number) => ({
          inputs: { dy: dyOf(n, 1), filter: floats(filterShape, 2) },
          attributes: { ...layout, inputShape: [n, 6, 5, 2] },
        }),
      },
      {
        kernel: 'DepthwiseConv2dNativeBackpropFilter',
        what: JSON.stringify(layout),
        call: (n: number) => ({
          inputs: { x: floats([n, 6, 5, 2], 1), dy: dyOf(n, 2) },
          attributes: { ...layout, filterShape },
        }),
      },
    ];
  }),
  ...layouts.flatMap((layout) => {
    if (layout.dilations[0] !== 1) return [];
    const of = (n: number) => outputOf([n, 6, 5, 2], [3, 2, 2, 2], layout);
    const attributes = { ...layout, filterSize: [3, 2] };
    return [
      {
        kernel: 'AvgPoolGrad',
        what: JSON.stringify(layout),
        call: (n: number) => ({
          inputs: { dy: floats(of(n), 1), input: floats([n, 6, 5, 2], 2) },
          attributes,
        }),
      },
      {
        kernel: 'MaxPoolGrad',
        what: JSON.stringify(layout),
        call: (n: number) => ({
          inputs: {
            dy: floats(of(n), 1),
            input: floats([n, 6, 5, 2], 2),
            output: floats(of(n), 3), // looked at by neither
          },
          attributes,
        }),
      },
    ];
  }),
  ...['ResizeBilinear', 'ResizeNearestNeighbor'].flatMap((kernel) =>
    [
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
        kernel,
        what: `${JSON.stringify(how)} to ${size}`,
        call: (n: number) => ({
          inputs: { images: floats([n, 4, 5, 3], 1) },
          attributes: { ...how, size },
        }),
      })),
    ),
  ),
  ...['ResizeBilinearGrad', 'ResizeNearestNeighborGrad'].flatMap((kernel) =>
    [true, false].flatMap((alignCorners) =>
      [
        [7, 9],
        [2, 3],
        [1, 6],
      ].map(([height, width]) => ({
        kernel,
        what: `${alignCorners ? 'corners aligned, ' : ''}to ${height}×${width}`,
        // tfjs exchanges height and width of what it gives: only squares are right there.
        call: (n: number) => ({
          inputs: { images: floats([n, 4, 4, 3], 1), dy: floats([n, height!, width!, 3], 2) },
          attributes: { alignCorners, halfPixelCenters: false },
        }),
        // Of several pictures tfjs's nearest has the first one right.
        sizes: kernel === 'ResizeBilinearGrad' ? [1, 2, 5] : [1],
      })),
    ),
  ),
  ...[{}, { scale: floats([3], 4) }, { scale: floats([3], 4), offset: floats([3], 5) }].map(
    (given) => ({
      kernel: 'FusedBatchNorm',
      what: `with ${Object.keys(given)}`,
      call: (n: number) => ({
        inputs: {
          x: floats([n, 2, 2, 3], 1),
          mean: floats([3], 2),
          variance: exactly([0.5, 1, 2]),
          ...given,
        },
        attributes: { varianceEpsilon: 1e-3 },
      }),
    }),
  ),
];

function outputOf(
  x: number[],
  filter: number[],
  { strides, pad }: (typeof layouts)[number],
): number[] {
  return backend_util.computeConv2DInfo(
    x as never,
    filter as never,
    strides as [number, number],
    1,
    pad as never,
  ).outShape;
}
