import type { HostDType } from '@imglish/core';
import type { OnnxBuilder } from '../lower/builder.js';
import { ELEMENT_TYPES } from '../lower/proto.js';
import { input, int, named, recast, spec } from './define.js';
import type { Kernel } from './kernel.js';
import { broadcast, broadcastNames, upcast } from './shapes.js';

type Lower = (a: string, b: string, onnx: OnnxBuilder, dtype: HostDType) => string;

interface BinaryOptions {
  /** What ONNX computes with, from the type of both inputs. */
  readonly computes?: (dtype: HostDType) => HostDType;
  /** Type of what `lower` gives; default the one computed with. */
  readonly gives?: HostDType;
  /** Type of the kernel's output; default that of the inputs. */
  readonly to?: HostDType;
}

const numeric = (dtype: HostDType): HostDType => (dtype === 'bool' ? 'int32' : dtype);

/** A function of two tensors, broadcast to each other. */
function binary(name: string, lower: Lower, options: BinaryOptions = {}): Kernel {
  const { computes = numeric, gives, to } = options;
  return {
    name,
    infer: (inputs) => {
      const [a, b] = [input(inputs, 'a'), input(inputs, 'b')];
      return [spec(broadcast(name, a, b), to ?? upcast(a.dtype, b.dtype))];
    },
    lower: (node, onnx) => {
      const values = [input(node.inputs, 'a'), input(node.inputs, 'b')];
      const output = node.outputs[0]!;
      const dtype = computes(upcast(values[0]!.dtype, values[1]!.dtype));
      const [a, b] = broadcastNames(values, output.shape, onnx).map((name, i) =>
        recast(name, values[i]!.dtype, dtype, onnx),
      );
      return [recast(lower(a!, b!, onnx, dtype), gives ?? dtype, output.dtype, onnx)];
    },
  };
}

const of =
  (operator: string): Lower =>
  (a, b, onnx) =>
    onnx.emit(operator, [a, b]);

/**
 * A function by a division, which must not see a whole zero: it would end the process. Whole numbers
 * are computed as doubles, which hold them all; by 0 they give 0, as tfjs stores it.
 */
const dividing =
  (lower: Lower): Lower =>
  (a, b, onnx, dtype) => {
    if (dtype === 'float32') return lower(a, b, onnx, dtype);
    const toDouble = { attributes: { to: int(ELEMENT_TYPES.float64) } };
    const zero = onnx.scalar(0, 'int32');
    const byZero = onnx.emit('Equal', [b, zero]);
    const divisor = onnx.emit('Where', [byZero, onnx.scalar(1, 'int32'), b]);
    const [x, y] = [onnx.emit('Cast', [a], toDouble), onnx.emit('Cast', [divisor], toDouble)];
    const result = onnx.cast(lower(x, y, onnx, dtype), 'int32');
    return onnx.emit('Where', [byZero, zero, result]);
  };

const floorDivide: Lower = (a, b, onnx) => onnx.emit('Floor', [onnx.emit('Div', [a, b])]);

/** The remainder of the sign of the divisor: r = a fmod b, then (r + b) fmod b where signs differ. */
const modulo: Lower = (a, b, onnx) => {
  const fmod = { attributes: { fmod: int(1) } };
  const rest = onnx.emit('Mod', [a, b], fmod);
  const moved = onnx.emit('Mod', [onnx.emit('Add', [rest, b]), b], fmod);
  const [below, belowToo] = [a, b].map((x) => onnx.emit('Less', [x, onnx.emit('Sub', [x, x])]));
  return onnx.emit('Where', [onnx.emit('Xor', [below!, belowToo!]), moved, rest]);
};

const squaredDifference: Lower = (a, b, onnx) => {
  const difference = onnx.emit('Sub', [a, b]);
  return onnx.emit('Mul', [difference, difference]);
};

/** x where it is not negative, else α x. */
export function prelu(x: string, alpha: string, onnx: OnnxBuilder): string {
  const negative = onnx.emit('Less', [x, onnx.scalar(0, 'float32')]);
  return onnx.emit('Where', [negative, onnx.emit('Mul', [alpha, x]), x]);
}

const preluKernel: Kernel = {
  name: 'Prelu',
  infer: (inputs) => {
    const [x, alpha] = [input(inputs, 'x'), input(inputs, 'alpha')];
    return [spec(broadcast('Prelu', x, alpha), 'float32')];
  },
  lower: (node, onnx) => {
    const [x, alpha] = [input(node.inputs, 'x'), input(node.inputs, 'alpha')];
    return [prelu(named(x, 'float32', onnx), named(alpha, 'float32', onnx), onnx)];
  },
};

/** The gradient of Elu by its value: dy where y is not negative, else dy (y + 1). */
const eluGradKernel: Kernel = {
  name: 'EluGrad',
  infer: (inputs) => [input(inputs, 'dy')],
  lower: (node, onnx) => {
    const [dy, y] = [onnx.name(input(node.inputs, 'dy')), onnx.name(input(node.inputs, 'y'))];
    const positive = onnx.emit('GreaterOrEqual', [y, onnx.scalar(0, 'float32')]);
    const slope = onnx.emit('Add', [y, onnx.scalar(1, 'float32')]);
    return [onnx.emit('Where', [positive, dy, onnx.emit('Mul', [dy, slope])])];
  },
};

/** Angle of (b, a): atan(a / b), moved by ±π where b is negative; zeros count as positive. */
const atan2: Lower = (a, b, onnx) => {
  const [zero, pi] = [onnx.scalar(0, 'float32'), onnx.scalar(Math.PI, 'float32')];
  const positive = (x: string) => onnx.emit('Where', [onnx.emit('Equal', [x, zero]), zero, x]);
  const [y, x] = [positive(a), positive(b)];
  const angle = onnx.emit('Atan', [onnx.emit('Div', [y, x])]);
  const turned = onnx.emit('Where', [
    onnx.emit('Less', [y, zero]),
    onnx.scalar(-Math.PI, 'float32'),
    pi,
  ]);
  const moved = onnx.emit('Add', [angle, turned]);
  const result = onnx.emit('Where', [onnx.emit('Less', [x, zero]), moved, angle]);
  const both = onnx.emit('And', [onnx.emit('Equal', [y, zero]), onnx.emit('Equal', [x, zero])]);
  return onnx.emit('Where', [both, zero, result]);
};

const asFloat = (): HostDType => 'float32';
const asBool = (): HostDType => 'bool';

const comparison = (name: string, lower: Lower) =>
  binary(name, lower, { gives: 'bool', to: 'bool' });
const logical = (name: string, operator: string) =>
  binary(name, of(operator), { computes: asBool, to: 'bool' });

export const binaryKernels: Kernel[] = [
  binary('Add', of('Add')),
  binary('Sub', of('Sub')),
  binary('Multiply', of('Mul')),
  binary('RealDiv', dividing(of('Div'))),
  binary('FloorDiv', dividing(floorDivide), { to: 'int32' }),
  binary('Mod', dividing(modulo)),
  binary('Maximum', of('Max')),
  binary('Minimum', of('Min')),
  binary('Pow', of('Pow')),
  binary('SquaredDifference', squaredDifference),
  binary('Atan2', atan2, { computes: asFloat }),
  binary('BitwiseAnd', of('BitwiseAnd')),
  preluKernel,
  eluGradKernel,
  comparison('Equal', of('Equal')),
  comparison('NotEqual', (a, b, onnx) => onnx.emit('Not', [onnx.emit('Equal', [a, b])])),
  comparison('Greater', of('Greater')),
  comparison('GreaterEqual', of('GreaterOrEqual')),
  comparison('Less', of('Less')),
  comparison('LessEqual', of('LessOrEqual')),
  logical('LogicalAnd', 'And'),
  logical('LogicalOr', 'Or'),
  logical('LogicalXor', 'Xor'),
  {
    name: 'LogicalNot',
    infer: (inputs) => [spec(input(inputs, 'x').shape, 'bool')],
    lower: (node, onnx) => [onnx.emit('Not', [named(input(node.inputs, 'x'), 'bool', onnx)])],
  },
];
