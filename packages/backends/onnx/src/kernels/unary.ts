import type { HostDType } from '@imglish/core';
import type { Attributes } from '../graph/graph.js';
import type { OnnxBuilder } from '../lower/builder.js';
import { numberOf } from './attributes.js';
import { float, input, named, recast, spec } from './define.js';
import type { Kernel } from './kernel.js';

type Lower = (x: string, onnx: OnnxBuilder, attributes: Attributes) => string;

/** A float function of every element; another type is cast there and back, as tfjs stores it. */
function floatFunction(name: string, lower: Lower, to?: HostDType): Kernel {
  return {
    name,
    infer: (inputs) => {
      const { shape, dtype } = input(inputs, 'x');
      return [spec(shape, to ?? dtype)];
    },
    lower: (node, onnx) => {
      const x = input(node.inputs, 'x');
      const y = lower(named(x, 'float32', onnx), onnx, node.attributes);
      return [recast(y, to === 'bool' ? 'bool' : 'float32', to ?? x.dtype, onnx)];
    },
  };
}

/** A function that ONNX has for floats and whole numbers alike. */
function numericFunction(name: string, lower: Lower): Kernel {
  return {
    name,
    infer: (inputs) => [input(inputs, 'x')],
    lower: (node, onnx) => {
      const x = input(node.inputs, 'x');
      const dtype = x.dtype === 'bool' ? 'int32' : x.dtype;
      const y = lower(named(x, dtype, onnx), onnx, node.attributes);
      return [recast(y, dtype, x.dtype, onnx)];
    },
  };
}

/** A float function that leaves whole numbers as they are. */
function rounding(name: string): Kernel {
  return {
    name,
    infer: (inputs) => [input(inputs, 'x')],
    lower: (node, onnx) => {
      const x = input(node.inputs, 'x');
      return [x.dtype === 'float32' ? onnx.emit(name, [onnx.name(x)]) : onnx.name(x)];
    },
  };
}

const of =
  (operator: string): Lower =>
  (x, onnx) =>
    onnx.emit(operator, [x]);

const SAME_NAME = [
  'Acos',
  'Acosh',
  'Asin',
  'Asinh',
  'Atan',
  'Atanh',
  'Cos',
  'Cosh',
  'Elu',
  'Erf',
  'Log',
  'Reciprocal',
  'Selu',
  'Sigmoid',
  'Sin',
  'Sinh',
  'Softplus',
  'Sqrt',
  'Tan',
  'Tanh',
];

/** Where |x| is small, e^x − 1 = 2t / (1 − t), t = tanh(x/2), keeps the digits that e^x − 1 loses. */
const expm1: Lower = (x, onnx) => {
  const [one, two] = [onnx.scalar(1, 'float32'), onnx.scalar(2, 'float32')];
  const t = onnx.emit('Tanh', [onnx.emit('Div', [x, two])]);
  const small = onnx.emit('Div', [onnx.emit('Mul', [t, two]), onnx.emit('Sub', [one, t])]);
  const large = onnx.emit('Sub', [onnx.emit('Exp', [x]), one]);
  const isSmall = onnx.emit('Less', [onnx.emit('Abs', [x]), onnx.scalar(0.5, 'float32')]);
  return onnx.emit('Where', [isSmall, small, large]);
};

/** log u · x / (u − 1), u = 1 + x as it is rounded, keeps the digits that log(1 + x) loses (Kahan). */
const log1p: Lower = (x, onnx) => {
  const one = onnx.scalar(1, 'float32');
  const u = onnx.emit('Add', [x, one]);
  const log = onnx.emit('Log', [u]);
  const ratio = onnx.emit('Div', [x, onnx.emit('Sub', [u, one])]);
  const corrected = onnx.emit('Mul', [log, ratio]);
  const finite = onnx.emit('Where', [onnx.emit('IsInf', [u]), log, corrected]);
  return onnx.emit('Where', [onnx.emit('Equal', [u, one]), x, finite]);
};

/** 0 where there is no number. */
const sign: Kernel = {
  name: 'Sign',
  infer: (inputs) => [input(inputs, 'x')],
  lower: (node, onnx) => {
    const x = input(node.inputs, 'x');
    const dtype = x.dtype === 'bool' ? 'int32' : x.dtype;
    const y = onnx.emit('Sign', [named(x, dtype, onnx)]);
    if (dtype === 'int32') return [recast(y, dtype, x.dtype, onnx)];
    const missing = onnx.emit('IsNaN', [onnx.name(x)]);
    return [onnx.emit('Where', [missing, onnx.scalar(0, 'float32'), y])];
  },
};

const step: Lower = (x, onnx, attributes) => {
  const positive = onnx.emit('Greater', [x, onnx.scalar(0, 'float32')]);
  const alpha = onnx.scalar(numberOf(attributes, 'alpha', 0), 'float32');
  const y = onnx.emit('Where', [positive, onnx.scalar(1, 'float32'), alpha]);
  return onnx.emit('Where', [onnx.emit('IsNaN', [x]), x, y]);
};

const clip: Lower = (x, onnx, attributes) =>
  onnx.emit('Clip', [
    x,
    onnx.scalar(numberOf(attributes, 'clipValueMin'), 'float32'),
    onnx.scalar(numberOf(attributes, 'clipValueMax'), 'float32'),
  ]);

const isFiniteNumber: Lower = (x, onnx) =>
  onnx.emit('Not', [onnx.emit('Or', [onnx.emit('IsNaN', [x]), onnx.emit('IsInf', [x])])]);

export const relu6: Lower = (x, onnx) =>
  onnx.emit('Clip', [x, onnx.scalar(0, 'float32'), onnx.scalar(6, 'float32')]);

export const leakyRelu = (x: string, alpha: number, onnx: OnnxBuilder): string =>
  onnx.emit('LeakyRelu', [x], { attributes: { alpha: float(alpha) } });

export const unaryKernels: Kernel[] = [
  ...SAME_NAME.map((name) => floatFunction(name, of(name))),
  ...['Abs', 'Neg', 'Relu'].map((name) => numericFunction(name, of(name))),
  ...['Ceil', 'Floor', 'Round'].map(rounding),
  sign,
  floatFunction('Exp', of('Exp'), 'float32'),
  floatFunction('Expm1', expm1),
  floatFunction('Log1p', log1p),
  floatFunction('Rsqrt', (x, onnx) => onnx.emit('Reciprocal', [onnx.emit('Sqrt', [x])])),
  floatFunction('Step', step),
  floatFunction('ClipByValue', clip),
  floatFunction('Relu6', relu6),
  floatFunction('LeakyRelu', (x, onnx, attributes) =>
    leakyRelu(x, numberOf(attributes, 'alpha'), onnx),
  ),
  numericFunction('Square', (x, onnx) => onnx.emit('Mul', [x, x])),
  floatFunction('IsNan', of('IsNaN'), 'bool'),
  floatFunction('IsInf', of('IsInf'), 'bool'),
  floatFunction('IsFinite', isFiniteNumber, 'bool'),
];
