import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor } from '@tensorflow/tfjs-core';
import type { BatchSource } from '../src/loop/contracts.js';
import type { TrainOptions } from '../src/loop/train.js';
import { parameterGroups } from '../src/optimizer/groups.js';
import {
  type RegressionBatch,
  regressionBatches,
  regressionCounts,
  regressionLoss,
} from './regression.js';

export type RegressionOptions = TrainOptions<RegressionBatch>;

/** Twenty steps of the regression, clipped, with two streams. */
export function regressionOptions(
  parameters: Record<string, Tensor>,
  extra: Partial<RegressionOptions> = {},
): RegressionOptions {
  return {
    parameters,
    loss: regressionLoss,
    counts: regressionCounts,
    batches: regressionBatches(),
    steps: 20,
    schedule: (step) => 0.02 / (1 + step / 10),
    groups: parameterGroups(parameters, { weightDecay: 0.05 }),
    weights: { near: 1, far: 0.5 },
    maxGradientNorm: 20,
    ...extra,
  };
}

/** Batches of one signature: pieces differ in size. */
export const evenBatches: BatchSource<RegressionBatch> = async (index) => {
  const x = Array.from({ length: 6 }, (_, i) => Math.sin(index * 7 + i));
  const points = () => ({ x: tensor(x, [2, 3]), y: tensor(x.slice(4), [2, 1]) });
  return { size: 2, streams: { near: points(), far: points() } };
};
