import { numberOf } from './attributes.js';
import { input, spec } from './define.js';
import type { Kernel } from './kernel.js';

/** θ ← θ (1 − lr λ) − lr / bias₁ · m / (√v / √bias₂ + ε), after m and v have moved. */
const adamW: Kernel = {
  name: 'ImglishAdamW',
  infer: (inputs) =>
    ['parameter', 'm', 'v'].map((name) => spec(input(inputs, name).shape, 'float32')),
  lower: ({ inputs, attributes }, onnx) => {
    const [parameter, gradient, m, v] = ['parameter', 'gradient', 'm', 'v'].map((name) =>
      onnx.name(input(inputs, name)),
    );
    const [lr, beta1, beta2, epsilon, weightDecay, bias1, bias2] = [
      'lr',
      'beta1',
      'beta2',
      'epsilon',
      'weightDecay',
      'bias1',
      'bias2',
    ].map((name) => numberOf(attributes, name)) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const op = (operator: string, ...names: string[]) => onnx.emit(operator, names);
    const times = (x: string, factor: number) => op('Mul', x, onnx.scalar(factor, 'float32'));
    const nextM = op('Add', times(m!, beta1), times(gradient!, 1 - beta1));
    const nextV = op('Add', times(v!, beta2), times(op('Mul', gradient!, gradient!), 1 - beta2));
    const root = op('Div', op('Sqrt', nextV), onnx.scalar(Math.sqrt(bias2), 'float32'));
    const denominator = op('Add', root, onnx.scalar(epsilon, 'float32'));
    const step = times(op('Div', nextM, denominator), lr / bias1);
    return [op('Sub', times(parameter!, 1 - lr * weightDecay), step), nextM, nextV];
  },
};

export const optimizerKernels: Kernel[] = [adamW];
