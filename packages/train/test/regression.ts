import { draw, type Parameters } from '@imglish/core';
import {
  add,
  matMul,
  relu,
  type Scalar,
  square,
  sub,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import type { Batch, BatchSource, LossTerm } from '../src/loop/contracts.js';

/** A small regression for tests: two streams of points, in numbers that vary from batch to batch. */
export interface RegressionBatch extends Batch {
  streams: Record<string, { x: Tensor; y: Tensor }>;
}

/** y = v · relu(W x + b) + c with `hidden` units; `unused` is reached by nothing. */
export function regressionParameters(hidden = 16): Record<string, Tensor> {
  const random = draw(11, 'regression weights');
  const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
  return tidy(() => ({
    'in.weight': tensor2d(normals(3 * hidden), [3, hidden]),
    'in.bias': tensor1d(normals(hidden)),
    'out.weight': tensor2d(normals(hidden), [hidden, 1]),
    'out.bias': tensor1d(normals(1)),
    unused: tensor1d(normals(2)),
  }));
}

/** Batches of `pieces` consecutive pieces each: batch i of 2-piece batches is batches 2i and 2i + 1. */
export function regressionBatches(pieces = 1): BatchSource<RegressionBatch> {
  return async (index) => {
    const rows: Record<string, { x: number[][]; y: number[][] }> = {
      near: { x: [], y: [] },
      far: { x: [], y: [] },
    };
    for (let piece = index * pieces; piece < (index + 1) * pieces; piece++) {
      for (const [stream, { x, y }] of Object.entries(rows)) {
        const random = draw(5, stream, 0, piece);
        // From one to four points; every third piece has none that are far.
        const points = stream === 'far' && piece % 3 === 2 ? 0 : 1 + random.integer(4);
        for (let i = 0; i < points; i++) {
          const distance = random.normal() + (stream === 'far' ? 3 : 0);
          const point = [random.normal(), random.normal(), distance];
          x.push(point);
          y.push([point[0]! - 2 * point[1]! + distance]);
        }
      }
    }
    const streams = Object.entries(rows).map(([stream, { x, y }]) => {
      return [stream, { x: tensor2d(x, [x.length, 3]), y: tensor2d(y, [y.length, 1]) }] as const;
    });
    return { size: pieces, streams: Object.fromEntries(streams) };
  };
}

export function regressionCounts(batch: RegressionBatch): Record<string, number> {
  return Object.fromEntries(Object.entries(batch.streams).map(([s, { x }]) => [s, x.shape[0]!]));
}

export function regressionLoss(
  parameters: Parameters,
  batch: RegressionBatch,
): Record<string, LossTerm> {
  const counts = regressionCounts(batch);
  const terms: Record<string, LossTerm> = {};
  for (const [stream, { x, y }] of Object.entries(batch.streams)) {
    if (counts[stream] === 0) continue;
    const hidden = relu(add(matMul(x, parameters['in.weight']!), parameters['in.bias']!));
    const output = add(matMul(hidden, parameters['out.weight']!), parameters['out.bias']!);
    terms[stream] = { sum: sum(square(sub(output, y))) as Scalar, count: counts[stream]! };
  }
  return terms;
}
