import { workerData } from 'node:worker_threads';
import { disposeAll } from '@imglish/core';
import { type ThreadGroup, threadCommunicator } from '@imglish/train/node';
import { openBackend } from '../model/backend.js';
import { type PretrainJob, runRank } from './job.js';

/** What a rank other than 0 is started with. */
export interface WorkerData {
  group: ThreadGroup;
  rank: number;
  job: PretrainJob;
}

const { group, rank, job } = workerData as WorkerData;
const communicator = threadCommunicator(group, rank);
try {
  await openBackend(job.backend);
  const { parameters } = await runRank(job, { communicator });
  disposeAll(parameters);
} finally {
  await communicator.close();
}
