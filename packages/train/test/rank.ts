/** One rank of a training run, as a worker. */
import '@tensorflow/tfjs-backend-cpu';
import { parentPort, workerData } from 'node:worker_threads';
import { ready } from '@tensorflow/tfjs-core';
import { parameterGroups, type StepMetrics, train } from '../src/index.js';
import { openRun, type ThreadGroup, threadCommunicator } from '../src/node.js';
import {
  regressionBatches,
  regressionCounts,
  regressionLoss,
  regressionParameters,
} from './regression.js';

export interface RankJob {
  group: ThreadGroup;
  rank: number;
  /** Pieces of the regression's data in each batch. */
  pieces: number;
  steps: number;
  /** Folder of the run, on rank 0. */
  folder?: string;
  /** The step after which this rank asks all to stop. */
  stopAfter?: number;
  /** The batch whose reading fails. */
  failAt?: number;
}

export interface RankResult {
  metrics: Omit<StepMetrics, 'timing'>[];
  values: number[];
  stopped: boolean;
}

const { group, rank, pieces, steps, folder, stopAfter, failAt } = workerData as RankJob;
await ready();
const communicator = threadCommunicator(group, rank);
const run = folder ? await openRun(folder, { config: {}, seed: 5, every: 100 }) : undefined;
try {
  const parameters = regressionParameters();
  const controller = new AbortController();
  const source = regressionBatches(pieces);
  const metrics: RankResult['metrics'] = [];
  const { state, stopped } = await train({
    parameters,
    loss: regressionLoss,
    counts: regressionCounts,
    batches: async (index) => {
      if (index === failAt) throw new Error('no such batch');
      return source(index);
    },
    steps,
    schedule: () => 0.02,
    groups: parameterGroups(parameters, { weightDecay: 0.01 }),
    weights: { near: 1, far: 0.5 },
    communicator,
    signal: controller.signal,
    ...(run ? { run } : {}),
    onStep: ({ timing, ...rest }) => {
      metrics.push(rest);
      if (rest.step === stopAfter) controller.abort();
    },
  });
  const values = Object.values(state.parameters).flatMap((tensor) => [...tensor.dataSync()]);
  parentPort!.postMessage({ metrics, values, stopped } satisfies RankResult);
} finally {
  await run?.close();
  await communicator.close();
}
