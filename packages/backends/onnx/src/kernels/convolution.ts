import type { Node, Value } from '../graph/graph.js';
import type { OnnxBuilder } from '../lower/builder.js';
import { activate } from './activation.js';
import { numbersOf, sizesOf } from './attributes.js';
import { input, int, ints, knownSizes, named, spec, unsupported } from './define.js';
import type { Kernel } from './kernel.js';
import {
  both,
  channelsBack,
  channelsFirst,
  channelsLast,
  convolutionShape,
  knownPads,
  padding,
  pictureOf,
  transposed,
} from './pictures.js';
import { reshapeTo } from './shapes.js';

/** A filter `[h, w, I, O]` as `[O, I, h, w]`; a depthwise one `[h, w, C, m]` as `[C·m, 1, h, w]`. */
function weightsOf(node: Node, filter: Value, depthwise: boolean, onnx: OnnxBuilder): string {
  const [height, width, channels, each] = knownSizes(node.kernel, filter);
  const name = named(filter, 'float32', onnx);
  if (!depthwise) return transposed(name, [3, 2, 0, 1], onnx);
  const turned = transposed(name, [2, 3, 0, 1], onnx);
  const from = [channels!, each!, height!, width!];
  return reshapeTo(turned, from, [channels! * each!, 1, height!, width!], onnx);
}

function convolution(name: string, depthwise: boolean): Kernel {
  return {
    name,
    infer: (inputs, attributes) => {
      const [x, filter] = [input(inputs, 'x'), input(inputs, 'filter')];
      return [
        spec(convolutionShape(name, x.shape, filter.shape, attributes, depthwise), 'float32'),
      ];
    },
    lower: (node, onnx) => {
      const { attributes, inputs } = node;
      const [x, filter] = [input(inputs, 'x'), input(inputs, 'filter')];
      const last = channelsLast(attributes);
      const [height, width, channels] = knownSizes(name, filter);
      const weights = weightsOf(node, filter, depthwise, onnx);
      const pictures = channelsFirst(named(x, 'float32', onnx), last, onnx);
      const convolved = onnx.emit('Conv', [pictures, weights], {
        attributes: {
          strides: ints(both(attributes, 'strides')),
          dilations: ints(both(attributes, 'dilations')),
          group: int(depthwise ? channels! : 1),
          ...padding(node, pictureOf(x.shape, last), [height!, width!]),
        },
      });
      let y = channelsBack(convolved, last, onnx);
      if (inputs.bias) {
        const { shape } = inputs.bias;
        const rows = last ? shape : [...shape, 1, 1];
        y = onnx.emit('Add', [y, reshapeTo(onnx.name(inputs.bias), shape, rows, onnx)]);
      }
      return [activate(y, inputs.preluActivationWeights, attributes, onnx)];
    },
  };
}

/** The gradient by x, and what tfjs calls conv2dTranspose. */
function inputGradient(name: string, depthwise: boolean): Kernel {
  return {
    name,
    infer: (_, attributes) => [spec(numbersOf(attributes, 'inputShape'), 'float32')],
    lower: (node, onnx) => {
      const { attributes } = node;
      const [dy, filter] = [input(node.inputs, 'dy'), input(node.inputs, 'filter')];
      const last = channelsLast(attributes);
      const shape = sizesOf(attributes, 'inputShape');
      const picture = knownSizes(name, { shape: pictureOf(shape, last) });
      const out = knownSizes(name, { shape: pictureOf(dy.shape, last) });
      const [height, width, channels] = knownSizes(name, filter);
      const window = [height!, width!];
      const pads = knownPads(node, picture, window)!;
      const [strides, dilations] = [both(attributes, 'strides'), both(attributes, 'dilations')];
      // What no window reached.
      const rest = picture.map((size, i) => {
        const covered = (out[i]! - 1) * strides[i]! + (window[i]! - 1) * dilations[i]! + 1;
        return size - (covered - pads[i]! - pads[i + 2]!);
      });
      const weights = weightsOf(node, filter, depthwise, onnx);
      const dx = onnx.emit('ConvTranspose', [channelsFirst(onnx.name(dy), last, onnx), weights], {
        attributes: {
          strides: ints(strides),
          dilations: ints(dilations),
          pads: ints(pads),
          output_padding: ints(rest),
          group: int(depthwise ? channels! : 1),
        },
      });
      return [channelsBack(dx, last, onnx)];
    },
  };
}

/**
 * The gradient by the filter: x convolved with dy, samples and channels having changed places, strides
 * and dilations too.
 */
function filterGradient(name: string, depthwise: boolean): Kernel {
  return {
    name,
    infer: (_, attributes) => [spec(numbersOf(attributes, 'filterShape'), 'float32')],
    lower: (node, onnx) => {
      const { attributes } = node;
      const [x, dy] = [input(node.inputs, 'x'), input(node.inputs, 'dy')];
      const last = channelsLast(attributes);
      const [height, width, channels, each] = numbersOf(attributes, 'filterShape');
      const pads = knownPads(node, pictureOf(x.shape, last), [height!, width!]);
      if (!pads) throw unsupported(name, 'a picture whose size is not free', 'a free one');
      const swapped = (value: Value) =>
        transposed(onnx.name(value), last ? [3, 0, 1, 2] : [1, 0, 2, 3], onnx);
      const picture = pictureOf(x.shape, last);
      const pictures = depthwise
        ? onnx.emit('Reshape', [swapped(x), onnx.sizes([1, -1, ...picture])])
        : swapped(x);
      const full = onnx.emit('Conv', [pictures, swapped(dy)], {
        attributes: {
          strides: ints(both(attributes, 'dilations')),
          dilations: ints(both(attributes, 'strides')),
          pads: ints(pads),
          group: int(depthwise ? channels! : 1),
        },
      });
      const sizes = [onnx.sizes([0, 0]), onnx.sizes([height!, width!]), onnx.sizes([2, 3])];
      const cut = onnx.emit('Slice', [full, ...sizes]);
      const shape = [channels!, each!, height!, width!];
      const filter = depthwise ? reshapeTo(cut, [], shape, onnx) : cut;
      return [transposed(filter, [2, 3, 0, 1], onnx)];
    },
  };
}

export const convolutionKernels: Kernel[] = [
  convolution('Conv2D', false),
  convolution('FusedConv2D', false),
  convolution('DepthwiseConv2dNative', true),
  convolution('FusedDepthwiseConv2D', true),
  inputGradient('Conv2DBackpropInput', false),
  inputGradient('DepthwiseConv2dNativeBackpropInput', true),
  filterGradient('Conv2DBackpropFilter', false),
  filterGradient('DepthwiseConv2dNativeBackpropFilter', true),
];
