import { float, input } from './define.js';
import type { Kernel } from './kernel.js';

/** x Φ(x), exact. */
const gelu: Kernel = {
  name: 'ImglishGelu',
  infer: (inputs) => [input(inputs, 'x')],
  lower: ({ inputs }, onnx) => [onnx.emit('Gelu', [onnx.name(input(inputs, 'x'))])],
};

/**
 * dx = dy · (Φ(x) + x φ(x)).
 *
 * Every operator is a pass over memory, so with a = x / √2: Φ = (erf(a) + 1) / 2 is one HardSigmoid,
 * whose bounds erf keeps, and x φ(x) = a / exp(a²) / √π needs no minus sign.
 */
const geluGrad: Kernel = {
  name: 'ImglishGeluGrad',
  infer: (inputs) => [input(inputs, 'x')],
  lower: ({ inputs }, onnx) => {
    const [dy, x] = [onnx.name(input(inputs, 'dy')), onnx.name(input(inputs, 'x'))];
    const op = (operator: string, ...names: string[]) => onnx.emit(operator, names);
    const times = (name: string, by: number) => op('Mul', name, onnx.scalar(by, 'float32'));
    const a = times(x, Math.SQRT1_2);
    const cumulative = onnx.emit('HardSigmoid', [op('Erf', a)], {
      attributes: { alpha: float(0.5), beta: float(0.5) },
    });
    const slope = times(op('Div', a, op('Exp', op('Mul', a, a))), 1 / Math.sqrt(Math.PI));
    return [op('Mul', dy, op('Add', cumulative, slope))];
  },
};

export const geluKernels: Kernel[] = [gelu, geluGrad];
