import { wasm } from '@imglish/backend-wasm/node';
import { ops, type Parameters, valueAndGradients } from '@imglish/core';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { type Contest, compare, type Result } from './compare.js';

/** tfjs's own product under a name of its own: @imglish/backend-wasm replaces it. */
const STOCK = 'TfjsBatchMatMul';

/** The sizes of a tiny model's step: width 128, FFN 512, 4 heads, vocabulary 2,000. */
export async function wasmKernels(): Promise<Result[]> {
  tf.registerKernel({ ...tf.getKernel('BatchMatMul', 'wasm'), kernelName: STOCK });
  const backend = await wasm();
  const results = [...products(), ...fusedKernels()].map(compare);
  backend.dispose();
  return results;
}

const values = (shape: number[]): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i * 1.7) * 2),
    shape,
  );

function products(): Contest[] {
  const contest = (a: number[], b: number[], transposeA: boolean, transposeB: boolean): Contest => {
    const inputs = { a: values(a), b: values(b) };
    const attributes = { transposeA, transposeB };
    const run = (kernel: string) => () =>
      (tf.engine().runKernel(kernel, inputs, attributes) as tf.Tensor).dispose();
    const inner = a.at(transposeA ? -2 : -1)!;
    const columns = b.at(transposeB ? -2 : -1)!;
    const label = (shape: number[], transposed: boolean) => `[${shape}]${transposed ? 'ᵀ' : ''}`;
    return {
      name: `matMul ${label(a, transposeA)} ${label(b, transposeB)}`,
      peer: "tfjs-wasm's matMul",
      ours: run('BatchMatMul'),
      theirs: run(STOCK),
      operations: (2 * tf.util.sizeFromShape(a) * columns * inner) / inner,
    };
  };
  return [
    contest([1000, 128], [128, 512], false, false),
    contest([1000, 512], [512, 128], false, false),
    contest([1000, 128], [128, 2000], false, false),
    contest([1000, 128], [512, 128], false, true),
    contest([1000, 512], [1000, 128], true, false),
    contest([32, 4, 40, 32], [32, 4, 40, 32], false, true),
    contest([32, 4, 40, 40], [32, 4, 40, 32], false, false),
  ];
}

/** Each op of core, with and without the kernels of its name: value, and value with gradients. */
function fusedKernels(): Contest[] {
  const pair = (
    name: string,
    kernels: string[],
    parameters: Parameters,
    op: (parameters: Parameters) => tf.Tensor,
  ): Contest[] => {
    const value = () => tf.dispose(tf.tidy(() => op(parameters)));
    const gradients = () =>
      tf.dispose(
        valueAndGradients((p) => ({ loss: tf.sum(op(p)) as tf.Scalar }), parameters) as never,
      );
    const peer = 'its composition of tfjs ops';
    return [
      { name, peer, ours: value, theirs: without(kernels, value) },
      { name: `${name}, gradients`, peer, ours: gradients, theirs: without(kernels, gradients) },
    ];
  };
  const rows = 1000;
  const heads = [32, 4, 40, 32];
  const labels = tf.range(0, rows, 1, 'int32') as tf.Tensor1D;
  const ones = tf.ones([rows]) as tf.Tensor1D;
  const ids = tf.tensor1d(
    Array.from({ length: rows }, (_, i) => (i * 37) % 2000),
    'int32',
  );
  return [
    ...pair(
      'layerNorm [1000,128]',
      ['ImglishLayerNorm', 'ImglishLayerNormGrad'],
      { x: values([rows, 128]), gamma: values([128]), beta: values([128]) },
      ({ x, gamma, beta }) => ops.layerNorm(x!, gamma!, beta!, 1e-5),
    ),
    ...pair(
      'gelu [1000,512]',
      ['ImglishGelu', 'ImglishGeluGrad'],
      { x: values([rows, 512]) },
      (p) => ops.gelu(p.x!),
    ),
    ...pair(
      'linear [1000,128] → 512',
      ['ImglishLinear', 'ImglishLinearGrad'],
      { x: values([rows, 128]), weight: values([512, 128]), bias: values([512]) },
      ({ x, weight, bias }) => ops.linear(x!, weight!, bias!),
    ),
    ...pair(
      'linear [1000,512] → 128',
      ['ImglishLinear', 'ImglishLinearGrad'],
      { x: values([rows, 512]), weight: values([128, 512]), bias: values([128]) },
      ({ x, weight, bias }) => ops.linear(x!, weight!, bias!),
    ),
    ...pair(
      'attention [32,4,40,32]',
      ['ImglishAttention', 'ImglishAttentionGrad'],
      { q: values(heads), k: values(heads), v: values(heads) },
      ({ q, k, v }) =>
        ops.attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, 32 ** -0.5),
    ),
    ...pair(
      'crossEntropy [1000,2000]',
      ['ImglishCrossEntropy', 'ImglishCrossEntropyGrad'],
      { logits: values([rows, 2000]) },
      ({ logits }) => ops.crossEntropy(logits as tf.Tensor2D, labels, ones),
    ),
    ...pair('gatherRows [2000,128]', ['ImglishScatterAdd'], { table: values([2000, 128]) }, (p) =>
      ops.gatherRows(p.table as tf.Tensor2D, ids),
    ),
    adamw(),
  ];
}

/** The update of 250 parameters of 8,000 values. */
function adamw(): Contest {
  const state = Array.from({ length: 250 }, () => values([8000]));
  const squares = tf.square(state[0]!);
  const a = { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.05 };
  const [bias1, bias2] = [1 - a.beta1, 1 - a.beta2];
  return {
    name: 'AdamW, 250 × 8,000',
    peer: 'its composition of tfjs ops',
    ours: () => {
      for (const p of state) {
        const inputs = { parameter: p, gradient: p, m: p, v: squares };
        const attributes = { ...a, bias1, bias2 };
        tf.dispose(tf.engine().runKernel('ImglishAdamW', inputs, attributes) as tf.Tensor[]);
      }
    },
    theirs: () => {
      for (const p of state) {
        const next = tf.tidy(() => {
          const m = tf.add(tf.mul(p, a.beta1), tf.mul(p, 1 - a.beta1));
          const v = tf.add(tf.mul(squares, a.beta2), tf.mul(tf.square(p), 1 - a.beta2));
          const root = tf.add(tf.div(tf.sqrt(v), Math.sqrt(bias2)), a.epsilon);
          const step = tf.mul(tf.div(m, root), a.lr / bias1);
          return [tf.sub(tf.mul(p, 1 - a.lr * a.weightDecay), step), m, v];
        });
        tf.dispose(next);
      }
    },
  };
}

/** Runs `body` while the backend lacks these kernels. */
function without(kernels: readonly string[], body: () => void): () => void {
  return () => {
    const removed = kernels.map((name) => tf.getKernel(name, 'wasm'));
    for (const name of kernels) tf.unregisterKernel(name, 'wasm');
    try {
      body();
    } finally {
      for (const kernel of removed) tf.registerKernel(kernel);
    }
  };
}
