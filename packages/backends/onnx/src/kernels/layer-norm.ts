import type { OnnxBuilder } from '../lower/builder.js';
import { numberOf } from './attributes.js';
import { float, input, int, spec } from './define.js';
import type { Kernel } from './kernel.js';

/** y = (x − mean) · rstd · γ + β over the last axis: x `[M, D]`, mean and rstd `[M]`. */
const layerNorm: Kernel = {
  name: 'ImglishLayerNorm',
  infer: (inputs) => {
    const { shape } = input(inputs, 'x');
    const rows = spec(shape.slice(0, 1), 'float32');
    return [spec(shape, 'float32'), rows, rows];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const names = ['x', 'gamma', 'beta'].map((name) => onnx.name(input(inputs, name)));
    const [y, mean, rstd] = onnx.emitAll('LayerNormalization', names, {
      attributes: { axis: int(-1), epsilon: float(numberOf(attributes, 'epsilon')) },
      outputs: 3,
    });
    const row = (name: string) => onnx.emit('Squeeze', [name, onnx.sizes([1])]);
    return [y!, row(mean!), row(rstd!)];
  },
};

/** dx = rstd · (g − mean(g) − x̂ · mean(g · x̂)), g = dy · γ; dγ = Σ dy · x̂; dβ = Σ dy. */
const layerNormGrad: Kernel = {
  name: 'ImglishLayerNormGrad',
  infer: (inputs) => {
    const [x, gamma] = [input(inputs, 'x'), input(inputs, 'gamma')];
    const each = spec(gamma.shape, 'float32');
    return [spec(x.shape, 'float32'), each, each];
  },
  lower: ({ inputs }, onnx) => {
    const [dy, x, gamma, mean, rstd] = ['dy', 'x', 'gamma', 'mean', 'rstd'].map((name) =>
      onnx.name(input(inputs, name)),
    );
    const op = (operator: string, ...names: string[]) => onnx.emit(operator, names);
    const column = (name: string) => op('Unsqueeze', name, onnx.sizes([1]));
    const scale = column(rstd!); // [M, 1]
    const normalized = op('Mul', op('Sub', x!, column(mean!)), scale); // [M, D]
    const g = op('Mul', dy!, gamma!); // [M, D]
    const along = rowMean(op('Mul', g, normalized), onnx);
    const centred = op('Sub', g, rowMean(g, onnx));
    const dx = op('Mul', op('Sub', centred, op('Mul', normalized, along)), scale);
    const sum = (name: string) =>
      onnx.emit('ReduceSum', [name, onnx.sizes([0])], { attributes: { keepdims: int(0) } });
    return [dx, sum(op('Mul', dy!, normalized)), sum(dy!)];
  },
};

function rowMean(x: string, onnx: OnnxBuilder): string {
  return onnx.emit('ReduceMean', [x, onnx.sizes([-1])]);
}

export const layerNormKernels: Kernel[] = [layerNorm, layerNormGrad];
