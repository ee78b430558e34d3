import type { Node } from '../graph/graph.js';
import { productOf } from '../lower/size-arithmetic.js';
import { input, int, ints, knownSizes, spec } from './define.js';
import type { Kernel } from './kernel.js';
import {
  both,
  channelsBack,
  channelsFirst,
  knownPads,
  padding,
  pictureOf,
  poolShape,
} from './pictures.js';
import { addAt } from './scatter.js';

function poolAttributes(node: Node, x: Node['inputs'][string]) {
  const window = both(node.attributes, 'filterSize');
  return {
    kernel_shape: ints(window),
    strides: ints(both(node.attributes, 'strides')),
    ...padding(node, pictureOf(x.shape, true), window),
  };
}

function pool(name: string, operator: string): Kernel {
  return {
    name,
    infer: (inputs, attributes) => {
      const { shape, dtype } = input(inputs, 'x');
      return [spec(poolShape(name, shape, attributes), dtype)];
    },
    lower: (node, onnx) => {
      const x = input(node.inputs, 'x');
      const attributes = poolAttributes(node, x);
      const y = onnx.emit(operator, [channelsFirst(onnx.name(x), true, onnx)], { attributes });
      return [channelsBack(y, true, onnx)];
    },
  };
}

/** Every dy goes to the largest of its window; the pool is taken again to know which that is. */
const maxPoolGrad: Kernel = {
  name: 'MaxPoolGrad',
  infer: (inputs) => [spec(input(inputs, 'input').shape, 'float32')],
  lower: (node, onnx) => {
    const [dy, x] = [input(node.inputs, 'dy'), input(node.inputs, 'input')];
    const attributes = poolAttributes(node, x);
    const pictures = channelsFirst(onnx.name(x), true, onnx);
    const [, positions] = onnx.emitAll('MaxPool', [pictures], { attributes, outputs: 2 });
    const flat = (name: string) => onnx.emit('Reshape', [name, onnx.sizes([-1])]);
    const values = flat(channelsFirst(onnx.name(dy), true, onnx));
    const [batch, height, width, channels] = x.shape;
    const sums = addAt(flat(positions!), values, productOf(x.shape), 'float32', onnx);
    const shape = onnx.sizes([batch!, channels!, height!, width!]);
    return [channelsBack(onnx.emit('Reshape', [sums, shape]), true, onnx)];
  },
};

/** Every dy is spread evenly over its window, what lies outside of the picture included, as in tfjs. */
const avgPoolGrad: Kernel = {
  name: 'AvgPoolGrad',
  infer: (inputs) => [spec(input(inputs, 'input').shape, 'float32')],
  lower: (node, onnx) => {
    const { attributes } = node;
    const [dy, x] = [input(node.inputs, 'dy'), input(node.inputs, 'input')];
    const picture = knownSizes(node.kernel, { shape: pictureOf(x.shape, true) });
    const out = knownSizes(node.kernel, { shape: pictureOf(dy.shape, true) });
    const [channels] = knownSizes(node.kernel, { shape: x.shape.slice(3) });
    const [window, strides] = [both(attributes, 'filterSize'), both(attributes, 'strides')];
    const pads = knownPads(node, picture, window)!;
    const rest = picture.map(
      (size, i) => size - ((out[i]! - 1) * strides[i]! + window[i]! - pads[i]! - pads[i + 2]!),
    );
    const count = window[0] * window[1];
    const weights = new Float32Array(channels! * count).fill(1 / count);
    const names = [
      channelsFirst(onnx.name(dy), true, onnx),
      onnx.constant(weights, 'float32', [channels!, 1, ...window]),
    ];
    const dx = onnx.emit('ConvTranspose', names, {
      attributes: {
        strides: ints(strides),
        pads: ints(pads),
        output_padding: ints(rest),
        group: int(channels!),
      },
    });
    return [channelsBack(dx, true, onnx)];
  },
};

export const poolingKernels: Kernel[] = [
  pool('MaxPool', 'MaxPool'),
  pool('AvgPool', 'AveragePool'),
  maxPoolGrad,
  avgPoolGrad,
];
