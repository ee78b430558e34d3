import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { valuesOf } from '../../test/numbers.js';
import { valueAndGradients } from '../autodiff/autodiff.js';
import { attention } from './attention.js';
import { type FusedKernel, hasFused } from './dispatch.js';
import { gatherRows } from './gather-rows.js';
import { gelu } from './gelu.js';
import { layerNorm } from './layer-norm.js';
import { linear } from './linear.js';
import { crossEntropy } from './losses.js';

interface Call {
  inputs: Record<string, number[]>;
  attributes: object;
}

const registered: FusedKernel[] = [];
afterEach(() => {
  for (const kernelName of registered.splice(0)) tf.unregisterKernel(kernelName, 'cpu');
});

/** A kernel that notes its inputs' shapes; output i is filled with i + 1. */
function register(kernelName: FusedKernel, outputs: number[][]): Call[] {
  const calls: Call[] = [];
  tf.registerKernel({
    kernelName,
    backendName: 'cpu',
    kernelFunc: ({ inputs, attrs }) => {
      const shapes = Object.entries(inputs).map(([name, info]) => [name, info!.shape]);
      calls.push({ inputs: Object.fromEntries(shapes), attributes: attrs ?? {} });
      return outputs.map((shape, i) => tf.fill(shape, i + 1));
    },
  });
  registered.push(kernelName);
  return calls;
}

const x = tf.ones([2, 3]);
const heads = (n: number) => tf.ones([1, 2, n, 4]) as tf.Tensor4D;
const labels = tf.tensor1d([0, 1], 'int32');
const weights = tf.tensor1d([1, 1]);
type Given = Record<string, tf.Tensor>;

interface FusedOp {
  forward: FusedKernel;
  forwardCall: Call;
  outputs: number[][];
  backward: FusedKernel;
  backwardCall: Call;
  op: (given: Given) => tf.Tensor;
  inputs: Given;
}

/** The contracts that stand in the doc comments of the ops. */
const OPS: FusedOp[] = [
  {
    op: ({ x, w, b }) => linear(tf.reshape(x!, [1, 2, 3]), w!, b!),
    inputs: { x, w: tf.ones([4, 3]), b: tf.ones([4]) },
    forward: 'ImglishLinear',
    forwardCall: { inputs: { x: [2, 3], weight: [4, 3], bias: [4] }, attributes: {} },
    outputs: [[2, 4]],
    backward: 'ImglishLinearGrad',
    backwardCall: { inputs: { dy: [2, 4], x: [2, 3], weight: [4, 3] }, attributes: {} },
  },
  {
    op: ({ x, w }) => linear(x!, w!),
    inputs: { x, w: tf.ones([4, 3]) },
    forward: 'ImglishLinear',
    forwardCall: { inputs: { x: [2, 3], weight: [4, 3] }, attributes: {} },
    outputs: [[2, 4]],
    backward: 'ImglishLinearGrad',
    backwardCall: { inputs: { dy: [2, 4], x: [2, 3], weight: [4, 3] }, attributes: {} },
  },
  {
    op: ({ x, gamma, beta }) => layerNorm(x!, gamma!, beta!, 0.5),
    inputs: { x, gamma: tf.ones([3]), beta: tf.ones([3]) },
    forward: 'ImglishLayerNorm',
    forwardCall: { inputs: { x: [2, 3], gamma: [3], beta: [3] }, attributes: { epsilon: 0.5 } },
    outputs: [[2, 3], [2], [2]],
    backward: 'ImglishLayerNormGrad',
    backwardCall: {
      inputs: { dy: [2, 3], x: [2, 3], gamma: [3], mean: [2], rstd: [2] },
      attributes: {},
    },
  },
  {
    op: ({ x }) => gelu(x!),
    inputs: { x },
    forward: 'ImglishGelu',
    forwardCall: { inputs: { x: [2, 3] }, attributes: {} },
    outputs: [[2, 3]],
    backward: 'ImglishGeluGrad',
    backwardCall: { inputs: { dy: [2, 3], x: [2, 3] }, attributes: {} },
  },
  {
    op: ({ q, k, v }) =>
      attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, 0.5, tf.zeros([1, 1, 1, 5])),
    inputs: { q: heads(3), k: heads(5), v: heads(5) },
    forward: 'ImglishAttention',
    forwardCall: {
      inputs: { q: [1, 2, 3, 4], k: [1, 2, 5, 4], v: [1, 2, 5, 4], bias: [1, 1, 1, 5] },
      attributes: { scale: 0.5 },
    },
    outputs: [
      [1, 2, 3, 4],
      [1, 2, 3, 5],
    ],
    backward: 'ImglishAttentionGrad',
    backwardCall: {
      inputs: {
        dout: [1, 2, 3, 4],
        q: [1, 2, 3, 4],
        k: [1, 2, 5, 4],
        v: [1, 2, 5, 4],
        probs: [1, 2, 3, 5],
      },
      attributes: { scale: 0.5 },
    },
  },
  {
    op: ({ x }) => crossEntropy(x as tf.Tensor2D, labels, weights),
    inputs: { x },
    forward: 'ImglishCrossEntropy',
    forwardCall: { inputs: { logits: [2, 3], labels: [2], weights: [2] }, attributes: {} },
    outputs: [[2], [2]],
    backward: 'ImglishCrossEntropyGrad',
    backwardCall: {
      inputs: { dloss: [2], logits: [2, 3], labels: [2], weights: [2], lse: [2] },
      attributes: {},
    },
  },
];

function run({ op, inputs }: Pick<FusedOp, 'op' | 'inputs'>) {
  return valueAndGradients((given) => {
    const value = op(given as Given);
    return { loss: tf.sum(value) as tf.Scalar, aux: { value } };
  }, inputs);
}

describe('fused kernels', () => {
  it.each(OPS)('$forward and $backward are used by their contracts', (fused) => {
    const shapes = Object.values(fused.inputs).map(({ shape }) => shape);
    const forward = register(fused.forward, fused.outputs);
    // A linear layer without bias asks for three gradients and takes two.
    const gradients =
      fused.backward === 'ImglishLinearGrad' ? [...shapes.slice(0, 2), [4]] : shapes;
    const backward = register(fused.backward, gradients);
    const result = run(fused);
    expect(new Set(valuesOf(result.aux.value!))).toEqual(new Set([1]));
    Object.keys(fused.inputs).forEach((name, i) => {
      expect(new Set(valuesOf(result.gradients[name]!))).toEqual(new Set([i + 1]));
    });
    expect(forward).toEqual([fused.forwardCall]);
    expect(backward).toEqual([fused.backwardCall]);
  });

  it('scatters by ImglishScatterAdd', () => {
    const calls = register('ImglishScatterAdd', [[5, 2]]);
    const table = tf.ones([5, 2]);
    const indices = tf.tensor1d([1, 1, 4], 'int32');
    const { gradients } = run({
      op: ({ table }) => gatherRows(table as tf.Tensor2D, indices),
      inputs: { table },
    });
    expect(valuesOf(gradients.table!)).toEqual(Array(10).fill(1));
    expect(calls).toEqual([{ inputs: { values: [3, 2], indices: [3] }, attributes: { rows: 5 } }]);
  });

  it('are left alone where targets are smoothed', () => {
    const calls = register('ImglishCrossEntropy', [[2], [2]]);
    crossEntropy(x as tf.Tensor2D, labels, weights, { onTarget: 0.9, everywhere: 0.1 / 3 });
    expect(calls).toEqual([]);
  });

  it('may be brought for one direction only', () => {
    const composite = run(OPS[2]!);
    register('ImglishLayerNormGrad', [[2, 3], [3], [3]]);
    const result = run(OPS[2]!);
    expect(valuesOf(result.aux.value!)).toEqual(valuesOf(composite.aux.value!));
    expect(valuesOf(result.gradients.beta!)).toEqual([3, 3, 3]);
  });

  it('belong to a backend', () => {
    expect(hasFused('ImglishGelu')).toBe(false);
    register('ImglishGelu', [[1]]);
    expect(hasFused('ImglishGelu')).toBe(true);
  });
});
