import type { Call } from './one-node.js';
import { booleans, exactly, floats, integers } from './values.js';

/** Calls of one kernel at a free size n, to be compared with tfjs's cpu kernel of the same name. */
export interface Case {
  readonly kernel: string;
  /** What is special about it. */
  readonly what: string;
  readonly call: (n: number) => Call;
  /** Sizes at which the one model is run; default 1, 2, 3 and 5. */
  readonly sizes?: readonly number[];
  /** Of values, relative to the largest; default 1e-6. */
  readonly tolerance?: number;
}

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

const binary = (kernel: string): Case[] => [
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
        a: exactly(SPECIAL, 'float32', [SPECIAL.length, 1]),
        b: exactly(SPECIAL.filter((x) => Math.abs(x) !== Infinity)),
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

export const cases: Case[] = [
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
    'FloorDiv',
    'Mod',
    'Maximum',
    'Minimum',
    'SquaredDifference',
    'Pow',
    'Atan2',
    'Equal',
    'NotEqual',
    'Greater',
    'GreaterEqual',
    'Less',
    'LessEqual',
  ].flatMap(binary),
  ...['LogicalAnd', 'LogicalOr', 'LogicalXor', 'Equal', 'NotEqual', 'Less'].flatMap(logical),
];
