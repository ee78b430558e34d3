import type { Attribute, Node, Value } from '../graph/graph.js';
import { type Size, sameShape } from '../graph/size.js';
import type { Rule, RuleContext } from './optimise.js';
import { VIEWS } from './views.js';

/** What gives a constant of one value when it is given one. */
const KEEPS_UNIFORM: ReadonlySet<string> = new Set([
  ...VIEWS,
  'BroadcastTo',
  'Tile',
  'Transpose',
  'Slice',
  'StridedSlice',
]);

const FILLS: Readonly<Record<string, (node: Node) => number>> = {
  ZerosLike: () => 0,
  OnesLike: () => 1,
  Fill: ({ attributes }) => attributes.value as number,
};

const UNARY: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Square: (x) => x * x,
  Sqrt: Math.sqrt,
  Abs: Math.abs,
};

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Multiply: (a, b) => a * b,
  Maximum: Math.max,
  Minimum: Math.min,
};

/** x ∘ neutral = x; only addition and multiplication also the other way round. */
const NEUTRAL: Readonly<Record<string, number>> = { Add: 0, Sub: 0, Multiply: 1, RealDiv: 1 };

const first = (node: Node): Value => Object.values(node.inputs)[0]!;
const output = (node: Node): Value => node.outputs[0]!;
const sameTensor = (a: Value, b: Value) => a.dtype === b.dtype && sameShape(a.shape, b.shape);

/** A node that gives what it is given. */
const nothingDone: Rule = (node) => {
  const x = Object.values(node.inputs)[0];
  if (!x || node.outputs.length !== 1 || !sameTensor(x, output(node))) return undefined;
  const { kernel, attributes } = node;
  if (VIEWS.has(kernel) || kernel === 'Cast' || kernel === 'BroadcastTo') return [x];
  if (kernel === 'Transpose' && isIdentity(attributes.perm)) return [x];
  if (kernel === 'Slice' && allAre(attributes.begin, 0)) return [x];
  if (kernel === 'Tile' && allAre(attributes.reps, 1)) return [x];
  const single = Object.keys(node.inputs).length === 1;
  if ((kernel === 'Concat' || kernel === 'AddN') && single) return [x];
  return undefined;
};

/** Constants of one value are computed, not stored. */
const constantFolding: Rule = (node, { uniform, constant }) => {
  if (node.outputs.length !== 1) return undefined;
  const made = output(node);
  const fill = FILLS[node.kernel];
  if (fill) return [constant(made, { uniform: rounded(fill(node), made) })];
  const inputs = Object.values(node.inputs).map(uniform);
  if (inputs.length === 0 || inputs.some((value) => value === undefined)) return undefined;
  const [a, b] = inputs as [number, number];
  if (node.kernel === 'Sum' && a === 0) return [constant(made, { uniform: 0 })];
  if (KEEPS_UNIFORM.has(node.kernel) && notEmpty(made)) return [constant(made, { uniform: a })];
  if (node.kernel === 'Cast') return [constant(made, { uniform: cast(a, made) })];
  if (made.dtype === 'bool') return undefined;
  const value =
    UNARY[node.kernel]?.(a) ?? (inputs.length === 2 ? BINARY[node.kernel]?.(a, b) : undefined);
  return value === undefined ? undefined : [constant(made, { uniform: rounded(value, made) })];
};

const neutralElement: Rule = (node, { uniform }) => {
  const neutral = NEUTRAL[node.kernel];
  const { a, b } = node.inputs;
  if (neutral === undefined || !a || !b) return undefined;
  if (uniform(b) === neutral && sameTensor(a, output(node))) return [a];
  const commutes = node.kernel === 'Add' || node.kernel === 'Multiply';
  return commutes && uniform(a) === neutral && sameTensor(b, output(node)) ? [b] : undefined;
};

/** A change of shape of a change of shape is one. */
const joinedViews: Rule = (node, { maker }) => {
  if (!VIEWS.has(node.kernel)) return undefined;
  const before = maker(first(node));
  if (!before || !VIEWS.has(before.kernel)) return undefined;
  return { ...node, kernel: 'Reshape', inputs: { x: first(before) }, attributes: {} };
};

const joinedTransposes: Rule = (node, { maker }) => {
  const before = node.kernel === 'Transpose' ? maker(first(node)) : undefined;
  if (before?.kernel !== 'Transpose') return undefined;
  const inner = before.attributes.perm as number[];
  const perm = (node.attributes.perm as number[]).map((axis) => inner[axis]!);
  return { ...node, inputs: before.inputs, attributes: { perm } };
};

/** A product of transposed matrices instead of a product of the transposes. */
const transposedOperands: Rule = (node, context) => {
  if (node.kernel !== 'BatchMatMul') return undefined;
  const a = swappedMatrix(node.inputs.a!, context);
  const b = swappedMatrix(node.inputs.b!, context);
  if (!a && !b) return undefined;
  const { transposeA, transposeB } = node.attributes;
  return {
    ...node,
    inputs: { a: a ?? node.inputs.a!, b: b ?? node.inputs.b! },
    attributes: {
      ...node.attributes,
      transposeA: a ? !transposeA : Boolean(transposeA),
      transposeB: b ? !transposeB : Boolean(transposeB),
    },
  };
};

function swappedMatrix(value: Value, { maker }: RuleContext): Value | undefined {
  const made = maker(value);
  if (made?.kernel !== 'Transpose') return undefined;
  const perm = made.attributes.perm as number[];
  const rank = perm.length;
  const swaps = perm.every((axis, i) =>
    i < rank - 2 ? axis === i : axis === (i === rank - 2 ? rank - 1 : rank - 2),
  );
  return swaps ? first(made) : undefined;
}

/** In the order in which they are tried. */
export const rules: readonly Rule[] = [
  nothingDone,
  constantFolding,
  neutralElement,
  joinedViews,
  joinedTransposes,
  transposedOperands,
  nothingDone,
];

function isIdentity(perm: Attribute): boolean {
  return (perm as number[]).every((axis, i) => axis === i);
}

function allAre(sizes: Attribute, value: number): boolean {
  return (sizes as Size[]).every((size) => size === value);
}

function notEmpty({ shape }: Value): boolean {
  return shape.every((size) => size !== 0);
}

function cast(value: number, { dtype }: Value): number {
  if (dtype === 'bool') return value ? 1 : 0;
  return dtype === 'int32' ? Math.trunc(value) : Math.fround(value);
}

function rounded(value: number, { dtype }: Value): number {
  return dtype === 'float32' ? Math.fround(value) : value | 0;
}
