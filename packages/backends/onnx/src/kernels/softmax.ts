import { axisOf } from './attributes.js';
import { input, int, named, spec } from './define.js';
import type { Kernel } from './kernel.js';

function normalizing(name: string, axisAttribute: string): Kernel {
  return {
    name,
    infer: (inputs) => [spec(input(inputs, 'logits').shape, 'float32')],
    lower: ({ inputs, attributes }, onnx) => {
      const logits = input(inputs, 'logits');
      const axis = int(axisOf(attributes, axisAttribute, logits.shape.length, -1));
      return [onnx.emit(name, [named(logits, 'float32', onnx)], { attributes: { axis } })];
    },
  };
}

export const softmaxKernels: Kernel[] = [
  normalizing('Softmax', 'dim'),
  normalizing('LogSoftmax', 'axis'),
];
