import { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes, Node, Value } from '../graph/graph.js';
import type { Size } from '../graph/size.js';
import type { OnnxAttribute, OnnxBuilder } from '../lower/builder.js';
import { activate } from './activation.js';
import { numbersOf } from './attributes.js';
import { input, int, ints, named, spec, unsupported } from './define.js';
import type { Kernel } from './kernel.js';
import { reshapeTo } from './shapes.js';

type Four = [number, number, number, number];
type Padding = Parameters<typeof backend_util.computeConv2DInfo>[4];
type Rounding = Parameters<typeof backend_util.computeConv2DInfo>[5];

function channelsLast(attributes: Attributes): boolean {
  return attributes.dataFormat !== 'NCHW';
}

/** One number for both directions, or one each. */
function both(attributes: Attributes, name: string): [number, number] {
  const [first, second = first] =
    attributes[name] === undefined ? [1] : numbersOf(attributes, name);
  return [first!, second!];
}

/** tfjs takes a pad that is a number as if window and strides were square. */
function checkSquare(kernel: string, window: readonly number[], attributes: Attributes): void {
  const strides = both(attributes, 'strides');
  if (typeof attributes.pad !== 'number') return;
  if (window[0] === window[1] && strides[0] === strides[1]) return;
  throw unsupported(
    kernel,
    'a square window where pad is a number',
    `[${window}], by [${strides}]`,
  );
}

function convolutionShape(
  x: readonly number[],
  filter: Four,
  attributes: Attributes,
  depthwise: boolean,
) {
  return backend_util.computeConv2DInfo(
    x as Four,
    filter,
    both(attributes, 'strides'),
    both(attributes, 'dilations'),
    attributes.pad as Padding,
    (attributes.dimRoundingMode ?? undefined) as Rounding,
    depthwise,
    channelsLast(attributes) ? 'channelsLast' : 'channelsFirst',
  ).outShape;
}

function poolShape(x: readonly number[], attributes: Attributes) {
  return backend_util.computePool2DInfo(
    x as Four,
    both(attributes, 'filterSize'),
    both(attributes, 'strides'),
    both(attributes, 'dilations'),
    attributes.pad as Padding,
    (attributes.dimRoundingMode ?? undefined) as Rounding,
  ).outShape;
}

/** What is put around a picture `[h, w]`: known pads where they can be, ONNX's own rule otherwise. */
function padding(
  node: Node,
  picture: readonly Size[],
  window: readonly number[],
): Record<string, OnnxAttribute> {
  const { pad } = node.attributes;
  if (pad === 'valid') return { pads: ints([0, 0, 0, 0]) };
  if (typeof pad === 'number') return { pads: ints([pad, pad, pad, pad]) };
  if (Array.isArray(pad)) {
    const pairs = pad.filter((pair) => (pair as number[]).some((size) => size !== 0)) as number[][];
    const axes = channelsLast(node.attributes) ? [1, 2] : [2, 3];
    const [rows, columns] = axes.map((axis) => pad[axis] as number[]);
    if (pairs.length > 2) throw unsupported(node.kernel, 'padding of the picture', String(pad));
    return { pads: ints([rows![0]!, columns![0]!, rows![1]!, columns![1]!]) };
  }
  if (pad !== 'same') throw unsupported(node.kernel, 'a known padding', String(pad));
  if (!picture.every((size) => typeof size === 'number'))
    return { auto_pad: { string: 'SAME_UPPER' } };
  const strides = both(node.attributes, 'strides');
  const dilations = both(node.attributes, 'dilations');
  const totals = (picture as number[]).map((size, i) => {
    const covered = (window[i]! - 1) * dilations[i]! + 1;
    return Math.max((Math.ceil(size / strides[i]!) - 1) * strides[i]! + covered - size, 0);
  });
  const before = totals.map((total) => Math.floor(total / 2));
  return { pads: ints([...before, ...totals.map((total, i) => total - before[i]!)]) };
}

/** ONNX has the channels first; `compute` sees them so. */
function asChannelsFirst(
  x: string,
  last: boolean,
  onnx: OnnxBuilder,
  compute: (x: string) => string,
) {
  if (!last) return compute(x);
  const transposed = (name: string, perm: number[]) =>
    onnx.emit('Transpose', [name], { attributes: { perm: ints(perm) } });
  return transposed(compute(transposed(x, [0, 3, 1, 2])), [0, 2, 3, 1]);
}

function convolve(node: Node, depthwise: boolean, onnx: OnnxBuilder): string {
  const { attributes } = node;
  const [x, filter] = [input(node.inputs, 'x'), input(node.inputs, 'filter')];
  const last = channelsLast(attributes);
  const [height, width, channels, multiplier] = filter.shape as number[];
  let weights = onnx.emit('Transpose', [named(filter, 'float32', onnx)], {
    attributes: { perm: ints(depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1]) },
  });
  if (depthwise) {
    const each = [channels! * multiplier!, 1, height!, width!];
    weights = reshapeTo(weights, [channels!, multiplier!, height!, width!], each, onnx);
  }
  const all = {
    strides: ints(both(attributes, 'strides')),
    dilations: ints(both(attributes, 'dilations')),
    group: int(depthwise ? channels! : 1),
    ...padding(node, pictureOf(x, last), [height!, width!]),
  };
  return asChannelsFirst(named(x, 'float32', onnx), last, onnx, (first) =>
    onnx.emit('Conv', [first, weights], { attributes: all }),
  );
}

function pictureOf(x: Value, last: boolean): readonly Size[] {
  return last ? x.shape.slice(1, 3) : x.shape.slice(2, 4);
}

function convolution(name: string, depthwise: boolean): Kernel {
  return {
    name,
    infer: (inputs, attributes) => {
      const [x, filter] = [input(inputs, 'x'), input(inputs, 'filter')];
      checkSquare(name, filter.shape.slice(0, 2), attributes);
      const shape = convolutionShape(x.shape, filter.shape as Four, attributes, depthwise);
      return [spec(shape, 'float32')];
    },
    lower: (node, onnx) => {
      const { bias, preluActivationWeights } = node.inputs;
      let y = convolve(node, depthwise, onnx);
      if (bias) {
        const rows = channelsLast(node.attributes) ? bias.shape : [...bias.shape, 1, 1];
        y = onnx.emit('Add', [y, reshapeTo(onnx.name(bias), bias.shape, rows, onnx)]);
      }
      return [activate(y, preluActivationWeights, node.attributes, onnx)];
    },
  };
}

function pool(name: string, operator: string): Kernel {
  return {
    name,
    infer: (inputs, attributes) => {
      const { shape, dtype } = input(inputs, 'x');
      checkSquare(name, both(attributes, 'filterSize'), attributes);
      return [spec(poolShape(shape, attributes), dtype)];
    },
    lower: (node, onnx) => {
      const { attributes } = node;
      const x = input(node.inputs, 'x');
      const window = both(attributes, 'filterSize');
      const all = {
        kernel_shape: ints(window),
        strides: ints(both(attributes, 'strides')),
        ceil_mode: int(attributes.dimRoundingMode === 'ceil' ? 1 : 0),
        ...padding(node, pictureOf(x, true), window),
      };
      return [
        asChannelsFirst(onnx.name(x), true, onnx, (first) =>
          onnx.emit(operator, [first], { attributes: all }),
        ),
      ];
    },
  };
}

/** Between pixels, as ONNX's Resize does. images `[N, H, W, C]`. */
const resizeBilinear: Kernel = {
  name: 'ResizeBilinear',
  infer: (inputs, attributes) => {
    const { shape } = input(inputs, 'images');
    const [height, width] = numbersOf(attributes, 'size');
    return [spec([shape[0]!, height!, width!, shape[3]!], 'float32')];
  },
  lower: ({ inputs, attributes, outputs }, onnx) => {
    const images = input(inputs, 'images');
    const [batch, height, width, channels] = outputs[0]!.shape;
    const mode = attributes.alignCorners
      ? 'align_corners'
      : attributes.halfPixelCenters
        ? 'half_pixel'
        : 'asymmetric';
    const sizes = onnx.sizes([batch!, channels!, height!, width!]);
    return [
      asChannelsFirst(named(images, 'float32', onnx), true, onnx, (first) =>
        onnx.emit('Resize', [first, '', '', sizes], {
          attributes: {
            mode: { string: 'linear' },
            coordinate_transformation_mode: { string: mode },
          },
        }),
      ),
    ];
  },
};

export const convolutionKernels: Kernel[] = [
  convolution('Conv2D', false),
  convolution('FusedConv2D', false),
  convolution('DepthwiseConv2dNative', true),
  convolution('FusedDepthwiseConv2D', true),
  pool('MaxPool', 'MaxPool'),
  pool('AvgPool', 'AveragePool'),
  resizeBilinear,
];
