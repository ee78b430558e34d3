import type { TensorSpec } from '@imglish/core';
import type { Node } from '../graph/graph.js';
import type { Size } from '../graph/size.js';
import type { OnnxBuilder } from '../lower/builder.js';
import { booleanOf, numberOf, numbersOf, sizeOf } from './attributes.js';
import { dtypeOf, input, outputShape, spec } from './define.js';
import type { Kernel } from './kernel.js';

function filled(value: number, node: Node, onnx: OnnxBuilder): string[] {
  const scalar = onnx.scalar(value, node.outputs[0]!.dtype);
  const shape = outputShape(node);
  return [shape.length === 0 ? scalar : onnx.emit('Expand', [scalar, onnx.sizes(shape)])];
}

function like(name: string, value: number): Kernel {
  return {
    name,
    infer: (inputs) => [input(inputs, 'x')],
    lower: (node, onnx) => filled(value, node, onnx),
  };
}

function fillValue(attributes: Node['attributes']): number {
  return typeof attributes.value === 'boolean'
    ? Number(booleanOf(attributes, 'value'))
    : numberOf(attributes, 'value');
}

const fill: Kernel = {
  name: 'Fill',
  infer: (_, attributes) => {
    const otherwise = typeof attributes.value === 'boolean' ? 'bool' : 'float32';
    return [spec(numbersOf(attributes, 'shape'), dtypeOf(attributes, otherwise))];
  },
  lower: (node, onnx) => filled(fillValue(node.attributes), node, onnx),
};

/** As tfjs counts: added up in the type itself; from high to low only where the step says so or is 1. */
function countUp(start: number, stop: number, step: number, dtype: TensorSpec['dtype']) {
  const by = stop < start && step === 1 ? -1 : step;
  const wrongWay = start === stop || (start < stop && by < 0) || (stop < start && by > 0);
  const length = wrongWay ? 0 : Math.abs(Math.ceil((stop - start) / by));
  const values = dtype === 'int32' ? new Int32Array(length) : new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = i === 0 ? start : values[i - 1]! + by;
  return values;
}

const range: Kernel = {
  name: 'Range',
  infer: (_, attributes) => {
    const [start, stop, step] = ['start', 'stop', 'step'].map((name) => numberOf(attributes, name));
    const dtype = dtypeOf(attributes, 'float32');
    return [spec([countUp(start!, stop!, step!, dtype).length], dtype)];
  },
  lower: ({ attributes, outputs }, onnx) => {
    const { dtype } = outputs[0]!;
    const given = ['start', 'stop', 'step'].map((name) => sizeOf(attributes, name));
    if (given.every((size) => typeof size === 'number')) {
      const [start, stop, step] = given as number[];
      const values = countUp(start!, stop!, step!, dtype);
      return [onnx.constant(values, dtype, [values.length])];
    }
    return [
      onnx.emit(
        'Range',
        given.map((size) => scalarOf(size, dtype, onnx)),
      ),
    ];
  },
};

function scalarOf(size: Size, dtype: TensorSpec['dtype'], onnx: OnnxBuilder): string {
  if (typeof size === 'number') return onnx.scalar(size, dtype);
  return onnx.cast(onnx.emit('Squeeze', [onnx.sizes([size])]), dtype);
}

/** `num` numbers from start to stop, both included. */
const linSpace: Kernel = {
  name: 'LinSpace',
  infer: (_, attributes) => [spec([numberOf(attributes, 'num')], 'float32')],
  lower: ({ attributes }, onnx) => {
    const [start, stop, num] = ['start', 'stop', 'num'].map((name) => numberOf(attributes, name));
    const step = (stop! - start!) / (num! - 1);
    const values = Float32Array.from({ length: num! }, (_, i) => start! + (i === 0 ? 0 : i * step));
    return [onnx.constant(values, 'float32', [num!])];
  },
};

export const creationKernels: Kernel[] = [
  like('ZerosLike', 0),
  like('OnesLike', 1),
  fill,
  range,
  linSpace,
];
