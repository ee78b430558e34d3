import type { Attributes, Value } from '../graph/graph.js';
import type { OnnxBuilder } from '../lower/builder.js';
import { numberOf } from './attributes.js';
import { prelu } from './binary.js';
import { unsupported } from './define.js';
import { leakyRelu, relu6 } from './unary.js';

/** What a fused tfjs kernel does to its result: the attribute `activation`. */
export function activate(
  x: string,
  preluWeights: Value | undefined,
  attributes: Attributes,
  onnx: OnnxBuilder,
): string {
  switch (attributes.activation ?? 'linear') {
    case 'linear':
      return x;
    case 'relu':
      return onnx.emit('Relu', [x]);
    case 'elu':
      return onnx.emit('Elu', [x]);
    case 'sigmoid':
      return onnx.emit('Sigmoid', [x]);
    case 'relu6':
      return relu6(x, onnx, attributes);
    case 'leakyrelu':
      return leakyRelu(x, numberOf(attributes, 'leakyreluAlpha'), onnx);
    case 'prelu':
      if (preluWeights) return prelu(x, onnx.name(preluWeights), onnx);
  }
  throw unsupported('lower', 'a known activation', String(attributes.activation));
}
