import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Backend } from '@imglish/core';
import { type Communicator, soloCommunicator } from '@imglish/train';
import { threadCommunicator, threadGroup } from '@imglish/train/node';
import {
  microBatches,
  type PretrainJob,
  type RankOptions,
  type RankResult,
  runRank,
} from './job.js';
import { sendJob } from './launched.js';
import type { WorkerData } from './worker.js';

/**
 * Runs a job on `ranks` threads: this one is rank 0, the others are workers with an engine each.
 * All compute the same updates from their own share of every batch; an error of one ends all.
 * Instead of threads it may be the other processes of a launch, which get the job from this one.
 */
export async function runRanks(
  job: PretrainJob,
  ranks: number | Communicator,
  options: Omit<RankOptions, 'communicator'>,
): Promise<RankResult> {
  if (typeof ranks !== 'number') {
    await sendJob(ranks, job);
    return runRank(job, { ...options, communicator: ranks });
  }
  microBatches(job.recipe, ranks);
  if (ranks === 1) return runRank(job, { ...options, communicator: soloCommunicator() });
  const group = threadGroup(ranks);
  const workers = Array.from({ length: ranks - 1 }, (_, i) =>
    startWorker({ group, job, rank: i + 1 }),
  );
  const communicator = threadCommunicator(group, 0);
  // A rank that fails leaves the group, so the others fail too: its own error is the one to tell.
  const failed = Promise.race(workers.map(({ failure }) => failure));
  try {
    const result = await runRank(job, { ...options, communicator }).catch(async (error) => {
      await communicator.close();
      throw (await Promise.race([failed, settled(workers)])) ?? error;
    });
    await communicator.close();
    await settled(workers);
    return result;
  } finally {
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
  }
}

interface StartedWorker {
  worker: Worker;
  /** Resolves with the error that ended it, if one does. */
  failure: Promise<unknown>;
  /** Resolves when it has ended. */
  exit: Promise<void>;
}

function startWorker(data: WorkerData): StartedWorker {
  const file = new URL(
    import.meta.url.endsWith('.ts') ? '../../dist/worker.js' : './worker.js',
    import.meta.url,
  );
  const worker = new Worker(file, { workerData: data });
  const failure = new Promise<unknown>((resolve) => {
    worker.once('error', (error) => {
      // It can no longer leave the group itself.
      threadCommunicator(data.group, data.rank).close();
      resolve(error);
    });
  });
  const exit = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  return { worker, failure, exit };
}

async function settled(workers: readonly StartedWorker[]): Promise<undefined> {
  await Promise.all(workers.map(({ exit }) => exit));
  return undefined;
}

/**
 * Ranks that compute a run. An engine that compiles has threads of its own, and one rank keeps them
 * busy; else as many as were asked for, or as there are processors, if they divide the work.
 */
export function ranksFor(
  { compiler }: Pick<Backend, 'compiler'>,
  accumulate: number,
  threads: number | undefined,
): number {
  if (compiler) return 1;
  if (threads !== undefined) return threads;
  const processors = availableParallelism();
  for (let ranks = Math.min(processors, accumulate); ranks > 1; ranks--) {
    if (accumulate % ranks === 0) return ranks;
  }
  return 1;
}
