import { productOf } from '../lower/size-arithmetic.js';
import { axisOf, numberOf, numbersOf, sizeOf, sizesOf } from './attributes.js';
import {
  dtypeOf,
  input,
  int,
  named,
  outputShape,
  recast,
  show,
  spec,
  unsupported,
} from './define.js';
import type { Kernel } from './kernel.js';
import { asInt64, scatterAdd } from './scatter.js';
import { broadcast, broadcastNames, countTo, reshapeTo, upcast } from './shapes.js';

const gatherV2: Kernel = {
  name: 'GatherV2',
  infer: (inputs, attributes) => {
    const [x, indices] = [input(inputs, 'x'), input(inputs, 'indices')];
    if (numberOf(attributes, 'batchDims', 0) !== 0) {
      throw unsupported('GatherV2', 'batchDims 0', String(attributes.batchDims));
    }
    const axis = axisOf(attributes, 'axis', x.shape.length);
    return [spec(x.shape.toSpliced(axis, 1, ...indices.shape), x.dtype)];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const [x, indices] = [input(inputs, 'x'), input(inputs, 'indices')];
    const axis = int(axisOf(attributes, 'axis', x.shape.length));
    return [
      onnx.emit('Gather', [onnx.name(x), named(indices, 'int32', onnx)], { attributes: { axis } }),
    ];
  },
};

const gatherNd: Kernel = {
  name: 'GatherNd',
  infer: (inputs) => {
    const [params, indices] = [input(inputs, 'params'), input(inputs, 'indices')];
    const depth = indices.shape.at(-1)!;
    return [spec([...indices.shape.slice(0, -1), ...params.shape.slice(depth)], params.dtype)];
  },
  lower: ({ inputs }, onnx) => {
    const [params, indices] = [input(inputs, 'params'), input(inputs, 'indices')];
    const index = asInt64(onnx.name(indices), onnx);
    return [onnx.emit('GatherND', [onnx.name(params), index])];
  },
};

/** Every index is made one of a flat list of rows; duplicates add up, as in TensorFlow. */
const scatterNd: Kernel = {
  name: 'ScatterNd',
  infer: (inputs, attributes) => [
    spec(numbersOf(attributes, 'shape'), input(inputs, 'updates').dtype),
  ],
  lower: ({ inputs, attributes }, onnx) => {
    const [indices, updates] = [input(inputs, 'indices'), input(inputs, 'updates')];
    const shape = sizesOf(attributes, 'shape');
    const depth = indices.shape.at(-1)!;
    if (typeof depth !== 'number') throw unsupported('ScatterNd', 'a known rank', show([depth]));
    const inner = shape.slice(depth);
    const strides = shape.slice(0, depth).map((_, axis) => productOf(shape.slice(axis + 1, depth)));
    const weighted = onnx.emit('Mul', [asInt64(onnx.name(indices), onnx), onnx.sizes(strides)]);
    const summed = onnx.emit('ReduceSum', [weighted, onnx.sizes([-1])], {
      attributes: { keepdims: int(0) },
    });
    const ids = onnx.emit('Reshape', [summed, onnx.sizes([-1])]);
    const rows = [productOf(shape.slice(0, depth)), ...inner];
    const sums = scatterAdd(onnx.name(updates), ids, rows, updates.dtype, onnx);
    return [reshapeTo(sums, rows, shape, onnx)];
  },
};

/** Ids are from 0 to numSegments − 1. */
const unsortedSegmentSum: Kernel = {
  name: 'UnsortedSegmentSum',
  infer: (inputs, attributes) => {
    const [x, ids] = [input(inputs, 'x'), input(inputs, 'segmentIds')];
    if (ids.shape.length !== 1) {
      throw unsupported('UnsortedSegmentSum', 'segmentIds [M]', show(ids.shape));
    }
    return [spec([numberOf(attributes, 'numSegments'), ...x.shape.slice(1)], x.dtype)];
  },
  lower: (node, onnx) => {
    const [x, ids] = [input(node.inputs, 'x'), input(node.inputs, 'segmentIds')];
    return [scatterAdd(onnx.name(x), onnx.name(ids), outputShape(node), x.dtype, onnx)];
  },
};

/** Σ of the rows of `values [M, ...]` by where `indices [M]` puts them: `[rows, ...]`. */
const imglishScatterAdd: Kernel = {
  name: 'ImglishScatterAdd',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'values');
    return [spec([numberOf(attributes, 'rows'), ...shape.slice(1)], dtype)];
  },
  lower: (node, onnx) => {
    const [values, indices] = [input(node.inputs, 'values'), input(node.inputs, 'indices')];
    const names = [values, indices].map((value) => onnx.name(value)) as [string, string];
    return [scatterAdd(...names, outputShape(node), values.dtype, onnx)];
  },
};

/** By comparison: what is outside of 0 … depth − 1 is off everywhere. */
const oneHot: Kernel = {
  name: 'OneHot',
  infer: (inputs, attributes) => [
    spec(
      [...input(inputs, 'indices').shape, numberOf(attributes, 'depth')],
      dtypeOf(attributes, 'int32'),
    ),
  ],
  lower: ({ inputs, attributes, outputs }, onnx) => {
    const indices = input(inputs, 'indices');
    const { dtype } = outputs[0]!;
    const column = onnx.emit('Unsqueeze', [named(indices, 'int32', onnx), onnx.sizes([-1])]);
    const isOn = onnx.emit('Equal', [column, countTo(sizeOf(attributes, 'depth'), onnx)]);
    const [on, off] = [numberOf(attributes, 'onValue', 1), numberOf(attributes, 'offValue', 0)];
    if (on === 1 && off === 0) return [recast(isOn, 'bool', dtype, onnx)];
    const computed = dtype === 'bool' ? 'int32' : dtype;
    const values = [onnx.scalar(on, computed), onnx.scalar(off, computed)];
    return [recast(onnx.emit('Where', [isOn, ...values]), computed, dtype, onnx)];
  },
};

const select: Kernel = {
  name: 'Select',
  infer: (inputs) => {
    const [condition, t, e] = ['condition', 't', 'e'].map((name) => input(inputs, name));
    return [spec(broadcast('Select', condition!, t!, e!), upcast(t!.dtype, e!.dtype))];
  },
  lower: (node, onnx) => {
    const values = ['condition', 't', 'e'].map((name) => input(node.inputs, name));
    const { dtype } = node.outputs[0]!;
    // ONNX Runtime chooses between numbers only.
    const computed = dtype === 'bool' ? 'int32' : dtype;
    const names = broadcastNames(values, outputShape(node), onnx).map((name, i) =>
      recast(name, values[i]!.dtype, i === 0 ? 'bool' : computed, onnx),
    );
    return [recast(onnx.emit('Where', names), computed, dtype, onnx)];
  },
};

const topK: Kernel = {
  name: 'TopK',
  infer: (inputs, attributes) => {
    const { shape, dtype } = input(inputs, 'x');
    const best = shape.with(-1, numberOf(attributes, 'k'));
    return [spec(best, dtype), spec(best, 'int32')];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const x = input(inputs, 'x');
    const dtype = x.dtype === 'bool' ? 'int32' : x.dtype;
    const k = onnx.sizes([sizeOf(attributes, 'k')]);
    const [values, indices] = onnx.emitAll('TopK', [named(x, dtype, onnx), k], { outputs: 2 });
    return [recast(values!, dtype, x.dtype, onnx), onnx.cast(indices!, 'int32')];
  },
};

export const indexingKernels: Kernel[] = [
  gatherV2,
  gatherNd,
  scatterNd,
  unsortedSegmentSum,
  imglishScatterAdd,
  oneHot,
  select,
  topK,
];
