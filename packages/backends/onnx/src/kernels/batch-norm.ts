import { numberOf } from './attributes.js';
import { input, spec } from './define.js';
import type { Kernel } from './kernel.js';

/** (x − mean) · scale / √(variance + ε) + offset, with statistics that are given. */
const batchNorm: Kernel = {
  name: 'FusedBatchNorm',
  infer: (inputs) => [spec(input(inputs, 'x').shape, 'float32')],
  lower: ({ inputs, attributes }, onnx) => {
    const [x, mean, variance] = ['x', 'mean', 'variance'].map((name) =>
      onnx.name(input(inputs, name)),
    );
    const op = (operator: string, ...names: string[]) => onnx.emit(operator, names);
    const epsilon = onnx.scalar(numberOf(attributes, 'varianceEpsilon'), 'float32');
    const deviation = op('Sqrt', op('Add', variance!, epsilon));
    const scale = inputs.scale
      ? op('Div', onnx.name(inputs.scale), deviation)
      : op('Reciprocal', deviation);
    const scaled = op('Mul', op('Sub', x!, mean!), scale);
    return [inputs.offset ? op('Add', scaled, onnx.name(inputs.offset)) : scaled];
  },
};

export const batchNormKernels: Kernel[] = [batchNorm];
