import type { HostDType } from '@imglish/core';
import { axesOf, axisOf, booleanOf } from './attributes.js';
import { input, int, named, recast, spec } from './define.js';
import type { Kernel } from './kernel.js';
import { reduced, upcast } from './shapes.js';

interface ReductionOptions {
  readonly operator: string;
  /** What tfjs calls the attribute of the axes; default `axis`. */
  readonly axes?: string;
  /** Type of the result, from that of x. */
  readonly gives: (dtype: HostDType) => HostDType;
  /** What ONNX computes with, from that of x. */
  readonly computes: (dtype: HostDType) => HostDType;
}

function reduction(name: string, options: ReductionOptions): Kernel {
  const { operator, axes: attribute = 'axis', gives, computes } = options;
  return {
    name,
    infer: (inputs, attributes) => {
      const { shape, dtype } = input(inputs, 'x');
      const axes = axesOf(attributes, attribute, shape.length);
      return [spec(reduced(shape, axes, booleanOf(attributes, 'keepDims')), gives(dtype))];
    },
    lower: ({ inputs, attributes, outputs }, onnx) => {
      const x = input(inputs, 'x');
      const to = outputs[0]!.dtype;
      const axes = axesOf(attributes, attribute, x.shape.length);
      // ONNX would take no axes for all of them.
      if (axes.length === 0) return [recast(onnx.name(x), x.dtype, to, onnx)];
      const computed = computes(x.dtype);
      const keepdims = int(booleanOf(attributes, 'keepDims') ? 1 : 0);
      const y = onnx.emit(operator, [named(x, computed, onnx), onnx.sizes(axes)], {
        attributes: { keepdims },
      });
      return [recast(y, computed, to, onnx)];
    },
  };
}

const atLeastInt = (dtype: HostDType): HostDType => upcast(dtype, 'int32');
const same = (dtype: HostDType): HostDType => dtype;
const asFloat = (): HostDType => 'float32';
const asInt = (): HostDType => 'int32';

function position(name: string): Kernel {
  return {
    name,
    infer: (inputs, attributes) => {
      const { shape } = input(inputs, 'x');
      return [spec(reduced(shape, [axisOf(attributes, 'axis', shape.length)], false), 'int32')];
    },
    lower: ({ inputs, attributes }, onnx) => {
      const x = input(inputs, 'x');
      const axis = int(axisOf(attributes, 'axis', x.shape.length));
      const y = onnx.emit(name, [named(x, x.dtype === 'bool' ? 'int32' : x.dtype, onnx)], {
        attributes: { axis, keepdims: int(0) },
      });
      return [onnx.cast(y, 'int32')];
    },
  };
}

const cumsum: Kernel = {
  name: 'Cumsum',
  infer: (inputs) => {
    const { shape, dtype } = input(inputs, 'x');
    return [spec(shape, atLeastInt(dtype))];
  },
  lower: ({ inputs, attributes, outputs }, onnx) => {
    const x = input(inputs, 'x');
    const axis = onnx.scalar(axisOf(attributes, 'axis', x.shape.length), 'int32');
    const exclusive = int(booleanOf(attributes, 'exclusive') ? 1 : 0);
    const reverse = int(booleanOf(attributes, 'reverse') ? 1 : 0);
    return [
      onnx.emit('CumSum', [named(x, outputs[0]!.dtype, onnx), axis], {
        attributes: { exclusive, reverse },
      }),
    ];
  },
};

/** Max and Min pass NaN over, as ONNX Runtime does: tfjs's engines disagree about it. */
export const reductionKernels: Kernel[] = [
  reduction('Sum', { operator: 'ReduceSum', gives: atLeastInt, computes: atLeastInt }),
  reduction('Prod', { operator: 'ReduceProd', gives: atLeastInt, computes: atLeastInt }),
  reduction('Mean', { operator: 'ReduceMean', gives: asFloat, computes: asFloat }),
  reduction('Max', {
    operator: 'ReduceMax',
    axes: 'reductionIndices',
    gives: same,
    computes: atLeastInt,
  }),
  reduction('Min', { operator: 'ReduceMin', gives: same, computes: atLeastInt }),
  reduction('All', { operator: 'ReduceMin', gives: same, computes: asInt }),
  reduction('Any', { operator: 'ReduceMax', gives: same, computes: asInt }),
  position('ArgMax'),
  position('ArgMin'),
  cumsum,
];
