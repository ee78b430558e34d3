import { booleans, exactly, floats, integers } from '../values.js';
import type { Case } from './case.js';

const SPECIAL = [NaN, Infinity, -Infinity, 0, -0, 0.5, -0.5, 1.5, 2.5, -1.5, 1e-6, 7, -7];

const unary = (kernel: string, attributes: Record<string, unknown> = {}, scale = 1): Case[] => [
  {
    kernel,
    what: 'floats',
    call: (n) => ({ inputs: { x: floats([n, 3], 1, scale) }, attributes }),
  },
  { kernel, what: 'a scalar', call: () => ({ inputs: { x: floats([]) }, attributes }), sizes: [2] },
  {
    kernel,
    what: 'special numbers',
    call: () => ({ inputs: { x: exactly(SPECIAL) }, attributes }),
    sizes: [2],
  },
  {
    kernel,
    what: 'nothing',
    call: () => ({ inputs: { x: floats([0, 3]) }, attributes }),
    sizes: [2],
  },
];

const whole = (kernel: string, attributes: Record<string, unknown> = {}): Case => ({
  kernel,
  what: 'whole numbers',
  call: (n) => ({ inputs: { x: integers([n, 4], -9, 9) }, attributes }),
});

const FINITE = SPECIAL.filter(Number.isFinite);
/** By 0 tfjs makes a whole number of infinity; ONNX has angles of −0 as of 0. */
const NOT_ZERO = FINITE.filter((x) => x !== 0);

const binary = (kernel: string, [as, bs] = [SPECIAL, FINITE]): Case[] => [
  {
    kernel,
    what: 'floats',
    call: (n) => ({ inputs: { a: floats([n, 3], 1, 3), b: floats([n, 3], 2, 3) } }),
  },
  {
    kernel,
    what: 'a row',
    call: (n) => ({ inputs: { a: floats([n, 3], 1, 3), b: floats([3], 2, 3) } }),
  },
  {
    kernel,
    what: 'a column and a row',
    call: (n) => ({ inputs: { a: floats([1, n], 1, 3), b: floats([4, 1], 2, 3) } }),
  },
  {
    kernel,
    what: 'whole numbers',
    call: (n) => ({ inputs: { a: integers([n, 5], -9, 9, 4), b: integers([n, 5], 1, 5, 5) } }),
  },
  { kernel, what: 'a scalar', call: (n) => ({ inputs: { a: floats([]), b: floats([n]) } }) },
  {
    kernel,
    what: 'special numbers',
    call: () => ({
      inputs: {
        a: exactly(as, 'float32', [as.length, 1]),
        b: exactly(bs),
      },
    }),
    sizes: [2],
  },
];

const logical = (kernel: string): Case[] => [
  {
    kernel,
    what: 'booleans',
    call: (n) => ({ inputs: { a: booleans([n, 4], 3), b: booleans([n, 4], 4) } }),
  },
];

export const elementwiseCases: Case[] = [
  {
    kernel: 'AddN',
    what: 'floats',
    call: (n) => ({ inputs: { 0: floats([n, 3], 1), 1: floats([n, 3], 2), 2: floats([n, 3], 3) } }),
  },
  {
    kernel: 'AddN',
    what: 'whole numbers',
    call: (n) => ({ inputs: { 0: integers([n], -9, 9, 4), 1: integers([n], -9, 9, 5) } }),
  },
  { kernel: 'AddN', what: 'of one', call: () => ({ inputs: { 0: floats([]) } }), sizes: [2] },
  ...[
    'Abs',
    'Neg',
    'Relu',
    'Sign',
    'Square',
    'Ceil',
    'Floor',
    'Round',
    'Relu6',
    'Erf',
    'Sin',
    'Cos',
    'Tan',
    'Atan',
    'Sinh',
    'Cosh',
    'Asinh',
    'Exp',
    'Expm1',
    'Elu',
    'Selu',
    'Sigmoid',
    'Softplus',
    'Tanh',
    'Reciprocal',
    'IsNan',
    'IsInf',
    'IsFinite',
    'Log',
    'Log1p',
    'Sqrt',
    'Rsqrt',
    'Asin',
    'Acos',
    'Atanh',
    'Acosh',
  ].flatMap((kernel) => unary(kernel)),
  ...unary('Step', { alpha: 0.25 }),
  ...unary('LeakyRelu', { alpha: 0.2 }),
  ...unary('ClipByValue', { clipValueMin: -0.4, clipValueMax: 0.7 }),
  ...['Abs', 'Neg', 'Relu', 'Sign', 'Square', 'Ceil', 'Floor', 'Round', 'Relu6', 'IsNan'].map(
    (kernel) => whole(kernel),
  ),
  whole('ClipByValue', { clipValueMin: -3, clipValueMax: 2 }),
  ...[
    'Add',
    'Sub',
    'Multiply',
    'RealDiv',

    'Mod',
    'Maximum',
    'Minimum',
    'SquaredDifference',
    'Pow',

    'Equal',
    'NotEqual',
    'Greater',
    'GreaterEqual',
    'Less',
    'LessEqual',
  ].flatMap((kernel) => binary(kernel)),
  ...['FloorDiv', 'Atan2'].flatMap((kernel) => binary(kernel, [NOT_ZERO, NOT_ZERO])),
  ...['LogicalAnd', 'LogicalOr', 'Equal', 'NotEqual', 'Less'].flatMap(logical),
  {
    kernel: 'BitwiseAnd',
    what: 'whole numbers',
    call: (n) => ({ inputs: { a: integers([n, 4], -9, 9, 4), b: integers([n, 4], 0, 7, 5) } }),
  },
  {
    kernel: 'LogicalNot',
    what: 'booleans',
    call: (n) => ({ inputs: { x: booleans([n, 4]) } }),
  },
  {
    kernel: 'LogicalXor',
    what: 'booleans',
    call: (n) => ({ inputs: { a: booleans([n, 4], 3), b: booleans([n, 4], 4) } }),
    // tfjs composes it of others.
    reference: ({ inputs: { a, b } }) => [
      { ...a!, values: a!.values.map((x, i) => Number(x !== b!.values[i])) },
    ],
  },
  {
    kernel: 'Prelu',
    what: 'floats',
    call: (n) => ({ inputs: { x: floats([n, 3], 1), alpha: floats([3], 2) } }),
  },
  {
    kernel: 'EluGrad',
    what: 'floats',
    call: (n) => ({ inputs: { dy: floats([n, 3], 1), y: floats([n, 3], 2) } }),
  },
];
