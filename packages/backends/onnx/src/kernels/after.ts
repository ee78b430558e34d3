import { input } from './define.js';
import type { Kernel } from './kernel.js';

/**
 * x, not before `token` is there: what recompute runs again must not be taken for what was computed
 * in the forward pass.
 *
 * x plus 1 where |token₀| < 0, which never is, NaN included: no optimizer of ONNX Runtime knows that.
 */
const after: Kernel = {
  name: 'ImglishAfter',
  infer: (inputs) => [input(inputs, 'x')],
  lower: ({ inputs }, onnx) => {
    const [x, token] = [input(inputs, 'x'), input(inputs, 'token')];
    const flat = onnx.emit('Reshape', [onnx.name(token), onnx.sizes([-1])]);
    const first = onnx.emit('Gather', [flat, onnx.scalar(0, 'int32')]);
    const absolute = onnx.emit('Abs', [onnx.cast(first, 'float32')]);
    const never = onnx.emit('Less', [absolute, onnx.scalar(0, 'float32')]);
    if (x.dtype === 'bool') return [onnx.emit('Or', [onnx.name(x), never])];
    return [onnx.emit('Add', [onnx.name(x), onnx.cast(never, x.dtype)])];
  },
};

export const orderKernels: Kernel[] = [after];
