import { numberOf } from './attributes.js';
import { columnSums } from './column-sums.js';
import { float, input, int, knownSizes, spec } from './define.js';
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

/**
 * dx = rstd · (g − mean(g) − x̂ · mean(g · x̂)), g = dy · γ; dγ = Σ dy · x̂; dβ = Σ dy.
 *
 * Every operator is a pass over memory, so x̂ = rstd · c is not made, c = x − mean: with t = dy · c the
 * means over a row are the products dy (γ / D) and t (γ / D), x̂ · mean(g · x̂) = c · rstd² · mean(g · c),
 * and dγ = rstdᵀ t.
 */
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
    ) as [string, string, string, string, string];
    const op = (operator: string, ...names: string[]) => onnx.emit(operator, names);
    const column = (name: string) => op('Unsqueeze', name, onnx.sizes([1]));
    const width = knownSizes('ImglishLayerNormGrad', input(inputs, 'gamma'))[0]!;
    const weights = column(op('Mul', gamma, onnx.scalar(1 / width, 'float32'))); // [D, 1]
    const scale = column(rstd); // [M, 1]
    const centred = op('Sub', x, column(mean)); // [M, D]
    const t = op('Mul', dy, centred); // [M, D]
    const along = op('Mul', scale, op('Mul', scale, op('MatMul', t, weights))); // [M, 1]
    const removed = op('Add', op('Mul', centred, along), op('MatMul', dy, weights)); // [M, D]
    const dx = op('Mul', op('Sub', op('Mul', dy, gamma), removed), scale);
    return [dx, op('MatMul', rstd, t), columnSums(input(inputs, 'dy'), onnx)];
  },
};

export const layerNormKernels: Kernel[] = [layerNorm, layerNormGrad];
