import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Heap, size } from '../heap.js';
import type { Kernels } from './kernel.js';

const addresses = (heap: Heap, tensors: readonly TensorInfo[]): number[] =>
  tensors.map((tensor) => heap.at(tensor));

/** Contracts: the doc comments of the ops in @imglish/core. Everything float32 besides ids. */
export const fused: Kernels = {
  ImglishLayerNorm: (heap, { x, gamma, beta }, { epsilon }) => {
    const [rows, width] = x!.shape as [number, number];
    const outputs = heap.outputs([rows, width], [rows], [rows]);
    const at = addresses(heap, [x!, gamma!, beta!, ...outputs]);
    heap.functions.layerNorm!(...at, rows, width, epsilon!);
    return outputs;
  },

  ImglishLayerNormGrad: (heap, { dy, x, gamma, mean, rstd }) => {
    const [rows, width] = x!.shape as [number, number];
    const outputs = heap.outputs([rows, width], [width], [width]);
    const at = addresses(heap, [dy!, x!, gamma!, mean!, rstd!, ...outputs]);
    heap.functions.layerNormGrad!(...at, rows, width);
    return outputs;
  },

  ImglishGelu: (heap, { x }) => {
    const y = heap.output(x!.shape, 'float32');
    const work = heap.work(heap.functions.geluWork());
    heap.functions.gelu!(heap.at(x!), heap.at(y), size(x!.shape), work);
    return y;
  },

  ImglishGeluGrad: (heap, { dy, x }) => {
    const dx = heap.output(x!.shape, 'float32');
    const work = heap.work(heap.functions.geluWork());
    heap.functions.geluGrad!(heap.at(dy!), heap.at(x!), heap.at(dx), size(x!.shape), work);
    return dx;
  },

  ImglishAttention: (heap, { q, k, v, bias }, { scale }) => {
    const [b, h, n, d] = q!.shape as [number, number, number, number];
    const m = k!.shape[2]!;
    const outputs = heap.outputs([b, h, n, d], [b, h, n, m]);
    const work = heap.work(attentionWork(heap, n, m, d));
    const [biasB = 1, biasH = 1, biasN = 1] = bias?.shape ?? [];
    // How far to go in the bias for the next sample, head and query; 0 where it is shared.
    const strides = [
      biasB === 1 ? 0 : biasH * biasN * m,
      biasH === 1 ? 0 : biasN * m,
      biasN === 1 ? 0 : m,
    ];
    const at = addresses(heap, [q!, k!, v!]);
    const biasAt = bias ? heap.at(bias) : 0;
    const to = addresses(heap, outputs);
    heap.functions.attention!(...at, biasAt, ...to, b, h, n, m, d, scale!, ...strides, work);
    return outputs;
  },

  ImglishAttentionGrad: (heap, { dout, q, k, v, probs }, { scale }) => {
    const [b, h, n, d] = q!.shape as [number, number, number, number];
    const m = k!.shape[2]!;
    const outputs = heap.outputs(q!.shape, k!.shape, k!.shape);
    const scoreBytes = (4 * n * m + 15) & ~15;
    const scores = heap.work(scoreBytes + attentionWork(heap, n, m, d));
    const at = addresses(heap, [dout!, q!, k!, v!, probs!, ...outputs]);
    heap.functions.attentionGrad!(...at, b * h, n, m, d, scale!, scores, scores + scoreBytes);
    return outputs;
  },

  ImglishCrossEntropy: (heap, { logits, labels, weights }) => {
    const [rows, classes] = logits!.shape as [number, number];
    const outputs = heap.outputs([rows], [rows]);
    const [loss, lse] = outputs as [TensorInfo, TensorInfo];
    heap.functions.maxAndSumExp!(heap.at(logits!), rows, classes, heap.at(loss), heap.at(lse));
    const [z, ids, w] = [heap.view(logits!), heap.view(labels!), heap.view(weights!)];
    const [maxima, sums] = [heap.view(loss), heap.view(lse)];
    for (let i = 0; i < rows; i++) {
      const id = ids[i]!;
      const picked = id >= 0 && id < classes ? z[i * classes + id]! : 0;
      const logSumExp = maxima[i]! + Math.log(sums[i]!);
      sums[i] = logSumExp;
      maxima[i] = w[i]! * (logSumExp - picked);
    }
    return outputs;
  },

  ImglishCrossEntropyGrad: (heap, { dloss, logits, labels, weights, lse }) => {
    const [rows, classes] = logits!.shape as [number, number];
    const dlogits = heap.output([rows, classes], 'float32');
    const at = addresses(heap, [dloss!, logits!, labels!, weights!, lse!, dlogits]);
    heap.functions.crossEntropyGrad!(...at, rows, classes);
    return dlogits;
  },

  ImglishAdamW: (heap, { parameter, gradient, m, v }, attributes) => {
    const { lr, beta1, beta2, epsilon, weightDecay, bias1, bias2 } = attributes;
    const shape = parameter!.shape;
    const outputs = heap.outputs(shape, shape, shape);
    const at = addresses(heap, [parameter!, gradient!, m!, v!, ...outputs]);
    heap.functions.adamw!(
      ...at,
      size(shape),
      1 - lr! * weightDecay!,
      lr! / bias1!,
      1 / Math.sqrt(bias2!),
      ...[beta1!, 1 - beta1!, beta2!, 1 - beta2!, epsilon!],
    );
    return outputs;
  },

  ImglishScatterAdd: (heap, { values, indices }, { rows }) => {
    const [count, width] = values!.shape as [number, number];
    const out = heap.output([rows!, width], 'float32');
    const at = addresses(heap, [values!, indices!, out]);
    heap.functions.scatterAdd!(...at, count, rows!, width);
    return out;
  },
};

/** The largest of the products of attention and its gradient. */
function attentionWork(heap: Heap, n: number, m: number, d: number): number {
  const { gemmWork } = heap.functions;
  return Math.max(gemmWork(n, m, d), gemmWork(n, d, m), gemmWork(m, d, n));
}
