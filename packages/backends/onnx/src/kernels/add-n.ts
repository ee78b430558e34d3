import { named, spec } from './define.js';
import type { Kernel } from './kernel.js';
import { listed } from './shapes.js';

/** Σ of tensors of one shape and type. */
const addN: Kernel = {
  name: 'AddN',
  infer: (inputs) => {
    const { shape, dtype } = listed(inputs)[0]!;
    return [spec(shape, dtype)];
  },
  lower: ({ inputs }, onnx) => {
    const parts = listed(inputs);
    const names = parts.map((part) => named(part, part.dtype, onnx));
    if (parts[0]!.dtype === 'float32') return [onnx.emit('Sum', names)];
    // ONNX sums floats only.
    return [names.reduce((sum, name) => onnx.emit('Add', [sum, name]))];
  },
};

export const addNKernels: Kernel[] = [addN];
