import { setTimeout } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { type Backend, ConfigError, disposeAll } from '@imglish/core';
import { mpiEnvironment } from '@imglish/mpi';
import type { MpiCommunicator } from '@imglish/mpi/node';
import type { PretrainRecipe } from '@imglish/pretrain';
import type { Communicator } from '@imglish/train';
import { stopOnSignals } from '@imglish/train/node';
import { errorText } from '../error-text.js';
import { openBackend } from '../model/backend.js';
import { type PretrainJob, runRank } from './job.js';

/** Milliseconds that other ranks leave to rank 0 to tell of an error that all of them have. */
const PRECEDENCE = 500;

/**
 * Runs a command: by itself, or, where `mpirun` or `srun` has launched several processes, on rank 0,
 * which is given the ranks. The others take part in the job that it sends them with `sendJob`, on
 * `threads` threads each, by default their share of the processors. An error of one ends all.
 */
export async function onLaunchedRanks(
  threads: number | undefined,
  lead: (launch: MpiCommunicator | undefined) => Promise<void>,
): Promise<void> {
  if (!mpiEnvironment(process.env)) return lead(undefined);
  const { openMpi } = await import('@imglish/mpi/node');
  const launch = await openMpi();
  const abort = async (error: unknown): Promise<never> => {
    if (launch.rank > 0) await setTimeout(PRECEDENCE);
    const who = launch.rank > 0 ? `rank ${launch.rank}: ` : '';
    return launch.abort(who + errorText(error));
  };
  process.once('uncaughtException', abort);
  try {
    await (launch.rank === 0 ? lead(launch) : follow(launch, threads ?? launch.threads));
    await launch.close();
  } catch (error) {
    await abort(error);
  } finally {
    process.off('uncaughtException', abort);
  }
}

/** The recipe of the whole launch, of which each process computes the micro-batches of one. */
export function launchedRecipe(
  recipe: PretrainRecipe,
  launch: Pick<Communicator, 'size'> | undefined,
): PretrainRecipe {
  return { ...recipe, accumulate: recipe.accumulate * (launch?.size ?? 1) };
}

/** Refuses threads that the engine of a process of a launch does not have. */
export function assertThreads({ name, compiler }: Backend, threads: number | undefined): void {
  if (compiler || threads === undefined || threads === 1) return;
  throw new ConfigError({
    code: 'config/threads',
    where: 'pretrain',
    expected: `1 thread in each process of a launch, with the engine ${name}`,
    got: String(threads),
    fix: 'Launch more processes, or take the engine onnx.',
  });
}

/** Tells the other ranks what there is to do. */
export async function sendJob(launch: Communicator, job: PretrainJob): Promise<void> {
  const message = serialize(job);
  await launch.broadcast([message.length]);
  await launch.broadcast(floatsOf(message));
}

async function receiveJob(launch: Communicator): Promise<PretrainJob> {
  const [length] = await launch.broadcast([0]);
  const floats = await launch.broadcast(floatsOf(new Uint8Array(length!)));
  return deserialize(new Uint8Array(floats.buffer, floats.byteOffset, length));
}

/** Bytes as what a communicator carries: padded with zeros. */
function floatsOf(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(floats.buffer).set(bytes);
  return floats;
}

async function follow(launch: MpiCommunicator, threads: number): Promise<void> {
  const job = await receiveJob(launch);
  const { backend } = await openBackend(job.backend, threads);
  const { signal, dispose } = stopOnSignals();
  try {
    const { parameters } = await runRank(job, {
      ...{ communicator: launch, signal },
      ...(backend.compiler ? { compiler: backend.compiler } : {}),
    });
    disposeAll(parameters);
  } finally {
    dispose();
  }
}
