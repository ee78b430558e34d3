import { input } from './define.js';
import type { Kernel } from './kernel.js';

/** x Φ(x), exact. */
const gelu: Kernel = {
  name: 'ImglishGelu',
  infer: (inputs) => [input(inputs, 'x')],
  lower: ({ inputs }, onnx) => [onnx.emit('Gelu', [onnx.name(input(inputs, 'x'))])],
};

/** dx = dy · (Φ(x) + x φ(x)). */
const geluGrad: Kernel = {
  name: 'ImglishGeluGrad',
  infer: (inputs) => [input(inputs, 'x')],
  lower: ({ inputs }, onnx) => {
    const [dy, x] = [onnx.name(input(inputs, 'dy')), onnx.name(input(inputs, 'x'))];
    const op = (operator: string, ...names: string[]) => onnx.emit(operator, names);
    const number = (value: number) => onnx.scalar(value, 'float32');
    const erf = op('Erf', op('Mul', x, number(Math.SQRT1_2)));
    const cumulative = op('Mul', op('Add', erf, number(1)), number(0.5));
    const exponent = op('Mul', op('Mul', x, x), number(-0.5));
    const density = op('Mul', op('Exp', exponent), number(1 / Math.sqrt(2 * Math.PI)));
    return [op('Mul', dy, op('Add', cumulative, op('Mul', x, density)))];
  },
};

export const geluKernels: Kernel[] = [gelu, geluGrad];
