import { writeSync } from 'node:fs';
import { ConfigError, TrainError } from '@imglish/core';
import { type Communicator, rankLeft, rankMismatch } from '@imglish/train';
import { type MpiEnvironment, mpiEnvironment } from '../environment/mpi-environment.js';
import { completion } from './completion.js';
import { findLibMpi, loadLibMpi } from './library.js';
import { bindMpi, type Mpi } from './mpi.js';
import { ownProcessors, processorShare } from './processors.js';
import { sumInRankOrder } from './sum.js';

const WHERE = 'MpiCommunicator';

/** A rank of a launch by `mpirun` or `srun`. */
export interface MpiCommunicator extends Communicator {
  /** Threads for this rank: its share of the processors that the ranks of its machine may use. */
  readonly threads: number;
  /**
   * Writes a message to stderr and ends every process of the launch, with an exit code that is not 0;
   * does not return. For a rank that cannot go on.
   */
  abort(message: string): never;
}

export interface OpenMpiOptions {
  /** Files or names of libmpi, tried in this order; default `findLibMpi()`. */
  libraries?: readonly string[];
  /** Bytes that travel at once, a multiple of 8; default 16 MB. This rank keeps twice as many. */
  bufferBytes?: number;
}

/** What a rank is about to do; all must be about to do the same. */
const REDUCE_FLOATS = 1;
const REDUCE_NUMBERS = 2;
const BROADCAST = 3;
const BARRIER = 4;
const LEAVE = 5;

/** Action, root and length, as float64. */
const HEADER = 3;

/**
 * Joins the other processes of the launch, through the Open MPI (4 or 5) of this machine. Once in a
 * process; `close` ends it for good.
 *
 * **Sums** are the same bits on every rank and in every run, whatever the network and however MPI
 * chooses to send: rank r gets the r-th part of every rank's values (MPI_Ialltoall), adds them up
 * itself in the order of the ranks, and tells all (MPI_Iallgather). As many bytes travel as in a
 * ring, and the bits are those of `threadCommunicator`.
 *
 * **Threads.** All calls are made in the thread of this one, and none blocks: between two questions
 * whether it has completed, other events have their turn.
 *
 * Methods reject with a `TrainError`: `train/rank-left` when another rank has closed,
 * `train/rank-mismatch` when ranks do not make the same calls, `train/mpi-call` when MPI fails.
 *
 * @throws TrainError `train/mpi-koffi`, `train/mpi-library` where something is not installed;
 * `train/mpi-launch` where MPI does not know of the launch that the environment tells of;
 * `train/mpi-once` for a second call. ConfigError `config/mpi-launch`, see `mpiEnvironment`;
 * `train/options`.
 */
export async function openMpi(options: OpenMpiOptions = {}): Promise<MpiCommunicator> {
  const environment = mpiEnvironment(process.env);
  const { libraries = findLibMpi(), bufferBytes = 2 ** 24 } = options;
  if (!(bufferBytes > 0) || bufferBytes % 8 !== 0) throw badBuffer(bufferBytes);
  const mpi = bindMpi(await loadLibMpi(libraries));
  assertLaunched(environment, mpi);
  const own = ownProcessors();
  const threads = processorShare(own, mpi.gatherOnMachine(own));
  return { ...communicatorOf(mpi, bufferBytes), threads };
}

function communicatorOf(mpi: Mpi, bufferBytes: number): Omit<MpiCommunicator, 'threads'> {
  const { rank, size } = mpi;
  // A piece for every rank, however many there are.
  const bytes = 8 * size * Math.ceil(bufferBytes / 8 / size);
  const memories = {
    header: mpi.allocate(8 * HEADER),
    headers: mpi.allocate(8 * HEADER * size),
    send: mpi.allocate(bytes),
    receive: mpi.allocate(bytes),
  };
  const { header, headers, send, receive } = memories;
  const ownHeader = new Float64Array(header.buffer);
  const allHeaders = new Float64Array(headers.buffer);
  /** The rank that has left, if one has. */
  let left: number | undefined;
  let closing: Promise<void> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** One call after the other: they share memory, and begin in the same order on every rank. */
  const inTurn = <T>(call: () => Promise<T>): Promise<T> => {
    const result = last.then(call);
    last = result.catch(() => {});
    return result;
  };

  /** Waits for all ranks; whether they are about to do the same is known to all of them. */
  const meet = async (action: number, length: number, root = 0): Promise<void> => {
    if (left !== undefined) throw rankLeft(WHERE, left);
    ownHeader.set([action, root, length]);
    await completion(mpi.allGather(header, headers, 8 * HEADER), { patient: true });
    const of = (other: number) => allHeaders.subarray(HEADER * other, HEADER * (other + 1));
    const ranks = Array.from({ length: size }, (_, other) => other);
    left = ranks.find((other) => other !== rank && of(other)[0] === LEAVE);
    if (action === LEAVE) return;
    if (left !== undefined) throw rankLeft(WHERE, left);
    const odd = ranks.find((other) => of(other).some((value, i) => value !== of(0)[i]));
    if (odd !== undefined) {
      throw rankMismatch(WHERE, `another one on rank ${odd} than on rank 0`, CALLS[action]);
    }
  };

  const reduce = async <T extends Float32Array | Float64Array>(
    action: number,
    values: T,
  ): Promise<T> => {
    await meet(action, values.length);
    const result = values.slice() as T;
    const View = values.constructor as new (buffer: ArrayBuffer) => T;
    const [out, into] = [new View(send.buffer), new View(receive.buffer)];
    const each = values.BYTES_PER_ELEMENT;
    for (let at = 0; at < values.length; at += out.length) {
      const part = result.subarray(at, at + out.length) as T;
      // What lies behind the values of the last part is added up too, and dropped.
      const piece = Math.ceil(part.length / size);
      out.set(part);
      await completion(mpi.allToAll(send, receive, each * piece), { patient: false });
      sumInRankOrder(into, size, piece, out);
      await completion(mpi.allGather(send, receive, each * piece), { patient: false });
      part.set(into.subarray(0, part.length));
    }
    return result;
  };

  const broadcast = async <T extends Float32Array | Float64Array>(
    values: T,
    root: number,
  ): Promise<T> => {
    await meet(BROADCAST, values.length, root);
    const result = values.slice() as T;
    const View = values.constructor as new (buffer: ArrayBuffer) => T;
    const memory = new View(send.buffer);
    for (let at = 0; at < values.length; at += memory.length) {
      const part = result.subarray(at, at + memory.length) as T;
      if (rank === root) memory.set(part);
      const bytes = part.length * part.BYTES_PER_ELEMENT;
      await completion(mpi.broadcast(send, bytes, root), { patient: false });
      part.set(memory.subarray(0, part.length));
    }
    return result;
  };

  const leave = async (): Promise<void> => {
    if (left === undefined) await meet(LEAVE, 0);
    mpi.finalize();
    for (const memory of Object.values(memories)) mpi.free(memory);
    left = rank;
  };

  return {
    rank,
    size,
    allReduce<T extends Float32Array | number[]>(values: T): Promise<T> {
      return inTurn(async () => {
        if (values instanceof Float32Array) return (await reduce(REDUCE_FLOATS, values)) as T;
        return [...(await reduce(REDUCE_NUMBERS, Float64Array.from(values)))] as T;
      });
    },
    broadcast<T extends Float32Array | number[]>(values: T, root = 0): Promise<T> {
      return inTurn(async () => {
        if (values instanceof Float32Array) return (await broadcast(values, root)) as T;
        return [...(await broadcast(Float64Array.from(values), root))] as T;
      });
    },
    barrier: () => inTurn(() => meet(BARRIER, 0)),
    close() {
      closing ??= inTurn(leave);
      return closing;
    },
    abort(message) {
      // Not console.error: what it has not yet written is lost.
      writeSync(process.stderr.fd, `${message}\n`);
      mpi.abort(1);
      process.exit(1);
    },
  };
}

function badBuffer(bytes: number): ConfigError {
  return new ConfigError({
    code: 'train/options',
    where: 'openMpi',
    expected: 'bufferBytes: a positive multiple of 8',
    got: String(bytes),
  });
}

function assertLaunched(environment: MpiEnvironment | undefined, mpi: Mpi): void {
  if (!environment) return;
  const { launcher, rank, size } = environment;
  if (rank === mpi.rank && size === mpi.size) return;
  throw new TrainError({
    code: 'train/mpi-launch',
    where: 'openMpi',
    expected: `rank ${rank} of ${size}, as ${launcher} says`,
    got: `rank ${mpi.rank} of ${mpi.size} from MPI`,
    fix: 'The launcher and libmpi must be of one installation; with Slurm, `srun --mpi=pmix`.',
  });
}

const CALLS: Readonly<Record<number, string>> = {
  [REDUCE_FLOATS]: 'allReduce of float32',
  [REDUCE_NUMBERS]: 'allReduce of numbers',
  [BROADCAST]: 'broadcast',
  [BARRIER]: 'barrier',
};
