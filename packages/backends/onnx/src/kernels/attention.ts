import type { OnnxBuilder } from '../lower/builder.js';
import { numberOf } from './attributes.js';
import { input, int, ints, spec } from './define.js';
import type { Kernel } from './kernel.js';

/** out = p v, p = softmax(scale · q kᵀ + bias): q `[B, H, N, d]`, k and v `[B, H, M, d]`. */
const attention: Kernel = {
  name: 'ImglishAttention',
  infer: (inputs) => {
    const [q, k] = [input(inputs, 'q'), input(inputs, 'k')];
    return [spec(q.shape, 'float32'), spec(q.shape.with(-1, k.shape.at(-2)!), 'float32')];
  },
  lower: ({ inputs, attributes }, onnx) => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => onnx.name(input(inputs, name)));
    const scale = onnx.scalar(numberOf(attributes, 'scale'), 'float32');
    const scaled = onnx.emit('Mul', [q!, scale]);
    let scores = onnx.emit('MatMul', [scaled, swapped(k!, onnx)]);
    if (inputs.bias) scores = onnx.emit('Add', [scores, onnx.name(inputs.bias)]);
    const probs = onnx.emit('Softmax', [scores], { attributes: { axis: int(-1) } });
    return [onnx.emit('MatMul', [probs, v!]), probs];
  },
};

/** dv = pᵀ dout; dp = dout vᵀ; ds = p · (dp − Σ p dp); dq = scale · ds k; dk = scale · dsᵀ q. */
const attentionGrad: Kernel = {
  name: 'ImglishAttentionGrad',
  infer: (inputs) => ['q', 'k', 'v'].map((name) => spec(input(inputs, name).shape, 'float32')),
  lower: ({ inputs, attributes }, onnx) => {
    const [dout, q, k, v, probs] = ['dout', 'q', 'k', 'v', 'probs'].map((name) =>
      onnx.name(input(inputs, name)),
    );
    const op = (operator: string, ...names: string[]) => onnx.emit(operator, names);
    const scale = onnx.scalar(numberOf(attributes, 'scale'), 'float32');
    const dv = op('MatMul', swapped(probs!, onnx), dout!);
    const dp = op('MatMul', dout!, swapped(v!, onnx)); // [B, H, N, M]
    const along = op('ReduceSum', op('Mul', probs!, dp), onnx.sizes([-1]));
    const ds = op('Mul', probs!, op('Sub', dp, along)); // [B, H, N, M]
    const dq = op('Mul', op('MatMul', ds, k!), scale);
    const dk = op('Mul', op('MatMul', swapped(ds, onnx), q!), scale);
    return [dq, dk, dv];
  },
};

function swapped(x: string, onnx: OnnxBuilder): string {
  return onnx.emit('Transpose', [x], { attributes: { perm: ints([0, 1, 3, 2]) } });
}

export const attentionKernels: Kernel[] = [attention, attentionGrad];
