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
 * lᵢ = wᵢ · (log Σⱼ exp zᵢⱼ − z at the label): logits `[M, V]`, labels and weights `[M]` → loss, lse
 * `[M]`. Labels are from 0 to V − 1.
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
    const row = (name: string) => onnx.emit('Squeeze', [name, onnx.sizes([1])]);
    const lse = row(onnx.emit('ReduceLogSumExp', [logits, onnx.sizes([1])]));
    const picked = onnx.emit('GatherElements', [logits, labelColumn(node, onnx)], {
      attributes: { axis: int(1) },
    });
    const loss = onnx.emit('Sub', [lse, row(picked)]);
    return [onnx.emit('Mul', [loss, weights]), lse];
  },
};

/** dz = dl · w · (softmax(z) − 1 at the label). */
const crossEntropyGrad: Kernel = {
  name: 'ImglishCrossEntropyGrad',
  infer: (inputs) => [spec(input(inputs, 'logits').shape, 'float32')],
  lower: (node, onnx) => {
    const [dloss, logits, weights, lse] = ['dloss', 'logits', 'weights', 'lse'].map((name) =>
      onnx.name(input(node.inputs, name)),
    );
    const op = (operator: string, ...names: string[]) => onnx.emit(operator, names);
    const column = (name: string) => op('Unsqueeze', name, onnx.sizes([1]));
    const scale = column(op('Mul', dloss!, weights!)); // [M, 1]
    const probs = op('Exp', op('Sub', logits!, column(lse!))); // [M, V]
    return [
      onnx.emit(
        'ScatterElements',
        [op('Mul', probs, scale), labelColumn(node, onnx), op('Neg', scale)],
        { attributes: { axis: int(1), reduction: { string: 'add' } } },
      ),
    ];
  },
};

export const crossEntropyKernels: Kernel[] = [crossEntropy, crossEntropyGrad];
