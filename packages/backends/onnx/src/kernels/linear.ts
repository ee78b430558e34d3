import { columnSums } from './column-sums.js';
import { input, int, spec } from './define.js';
import type { Kernel } from './kernel.js';

/** y = x Wᵀ + b: x `[M, I]`, weight `[O, I]`, bias `[O]`. */
const linear: Kernel = {
  name: 'ImglishLinear',
  infer: (inputs) => {
    const [x, weight] = [input(inputs, 'x'), input(inputs, 'weight')];
    return [spec([x.shape[0]!, weight.shape[0]!], 'float32')];
  },
  lower: ({ inputs }, onnx) => {
    const names = [input(inputs, 'x'), input(inputs, 'weight')].map((value) => onnx.name(value));
    if (inputs.bias) names.push(onnx.name(inputs.bias));
    return [onnx.emit('Gemm', names, { attributes: { transB: int(1) } })];
  },
};

/** dx = dy W, dW = dyᵀ x, db = Σ dy. */
const linearGrad: Kernel = {
  name: 'ImglishLinearGrad',
  infer: (inputs) => {
    const [x, weight] = [input(inputs, 'x'), input(inputs, 'weight')];
    return [
      spec(x.shape, 'float32'),
      spec(weight.shape, 'float32'),
      spec([weight.shape[0]!], 'float32'),
    ];
  },
  lower: ({ inputs }, onnx) => {
    const [dy, x, weight] = ['dy', 'x', 'weight'].map((name) => onnx.name(input(inputs, name)));
    return [
      onnx.emit('MatMul', [dy!, weight!]),
      onnx.emit('Gemm', [dy!, x!], { attributes: { transA: int(1) } }),
      columnSums(input(inputs, 'dy'), onnx),
    ];
  },
};

export const linearKernels: Kernel[] = [linear, linearGrad];
