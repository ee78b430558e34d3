import type { Node } from '../graph/graph.js';
import type { OnnxBuilder } from '../lower/builder.js';
import { input, int, named, spec } from './define.js';
import type { Kernel } from './kernel.js';

/** The labels as a column `[M, 1]`: where each row is looked at. */
function labelColumn({ inputs }: Node, onnx: OnnxBuilder): string {
  const labels = named(input(inputs, 'labels'), 'int32', onnx);
  return onnx.emit('Unsqueeze', [labels, onnx.sizes([1])]);
}

/**
 * lᵢ = −wᵢ · log softmax(z)ᵢ at the label: logits `[M, V]`, labels and weights `[M]` → loss and
 * lse = log Σⱼ exp zᵢⱼ `[M]`. Labels are from 0 to V − 1.
 *
 * LogSoftmax is five times as fast as ReduceLogSumExp, and the gradient here does without `lse`.
 */
const crossEntropy: Kernel = {
  name: 'ImglishCrossEntropy',
  infer: (inputs) => {
    const rows = spec(input(inputs, 'labels').shape, 'float32');
    return [rows, rows];
  },
  lower: (node, onnx) => {
    const logits = onnx.name(input(node.inputs, 'logits'));
    const weights = onnx.name(input(node.inputs, 'weights'));
    const op = (operator: string, ...names: string[]) => onnx.emit(operator, names);
    const row = (name: string) => op('Squeeze', name, onnx.sizes([1]));
    const logs = onnx.emit('LogSoftmax', [logits], { attributes: { axis: int(1) } });
    const picked = onnx.emit('GatherElements', [logs, labelColumn(node, onnx)], {
      attributes: { axis: int(1) },
    });
    const top = op('ReduceMax', logits, onnx.sizes([1]));
    const sum = op('ReduceSum', op('Exp', op('Sub', logits, top)), onnx.sizes([1]));
    return [op('Neg', op('Mul', row(picked), weights)), row(op('Add', op('Log', sum), top))];
  },
};

/** dz = dl · w · (softmax(z) − 1 at the label). */
const crossEntropyGrad: Kernel = {
  name: 'ImglishCrossEntropyGrad',
  infer: (inputs) => [spec(input(inputs, 'logits').shape, 'float32')],
  lower: (node, onnx) => {
    const [dloss, logits, weights] = ['dloss', 'logits', 'weights'].map((name) =>
      onnx.name(input(node.inputs, name)),
    );
    const labels = labelColumn(node, onnx);
    const probs = onnx.emit('Softmax', [logits!], { attributes: { axis: int(1) } });
    const minusOne = onnx.scalar(-1, 'float32');
    const { shape } = input(node.inputs, 'labels');
    const updates = onnx.emit('Expand', [minusOne, onnx.sizes([...shape, 1])]);
    const difference = onnx.emit('ScatterElements', [probs, labels, updates], {
      attributes: { axis: int(1), reduction: { string: 'add' } },
    });
    const scale = onnx.emit('Mul', [dloss!, weights!]);
    const column = onnx.emit('Unsqueeze', [scale, onnx.sizes([1])]);
    return [onnx.emit('Mul', [difference, column])];
  },
};

export const crossEntropyKernels: Kernel[] = [crossEntropy, crossEntropyGrad];
