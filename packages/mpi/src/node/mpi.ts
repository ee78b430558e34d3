import { TrainError } from '@imglish/core';
import type { LoadedLibrary } from './library.js';

/** Memory that stays where it is, as C and JavaScript see it. */
export interface Memory {
  pointer: bigint;
  buffer: ArrayBuffer;
}

/** A call that is on its way: whether it has completed; to be asked again until it has. */
export type Pending = () => boolean;

/**
 * The calls of MPI that ranks need, over all of them. Each is made in the thread that called
 * `bindMpi`, which is the one that initialised it (MPI_THREAD_FUNNELED); none waits for another
 * rank, but the first and the last. Lengths are bytes.
 */
export interface Mpi {
  rank: number;
  size: number;
  /** Ranks on this machine, and what each of them has put into so many bytes. */
  gatherOnMachine(bytes: Uint8Array): Uint8Array[];
  allocate(bytes: number): Memory;
  free(memory: Memory): void;
  /** `length` bytes of each rank, in the order of the ranks. */
  allGather(send: Memory, receive: Memory, length: number): Pending;
  /** The piece for this rank of each rank, in the order of the ranks; a piece has `length` bytes. */
  allToAll(send: Memory, receive: Memory, length: number): Pending;
  broadcast(memory: Memory, length: number, root: number): Pending;
  /** Waits until every rank calls it. */
  finalize(): void;
  /** Ends every process of the launch. */
  abort(exitCode: number): void;
}

/** Constants of Open MPI's mpi.h, the same in versions 4 and 5. */
const THREAD_FUNNELED = 1;
const COMM_TYPE_SHARED = 0;
const MAX_ERROR_STRING = 256;

/** Declares and initialises Open MPI; once in a process. */
export function bindMpi({ koffi, library }: LoadedLibrary): Mpi {
  const [world, byte, errorsReturn, noInfo] = [
    'ompi_mpi_comm_world',
    'ompi_mpi_byte',
    'ompi_mpi_errors_return',
    'ompi_mpi_info_null',
  ].map((name) => library.symbol(name) as bigint) as [bigint, bigint, bigint, bigint];
  const errorString = library.func('int MPI_Error_string(int, void *, _Out_ int *)');
  /** A function of MPI that throws what it returns, if that is an error. */
  const declare = (name: string, parameters: string): ((...values: unknown[]) => void) => {
    const call = library.func(`int ${name}(${parameters})`);
    return (...values) => {
      const code = call(...values) as number;
      if (code !== 0) throw failed(name, textOf(code));
    };
  };
  const textOf = (code: number): string => {
    const [text, length] = [new Uint8Array(MAX_ERROR_STRING), [0]];
    errorString(code, text, length);
    return new TextDecoder().decode(text.subarray(0, length[0]));
  };
  const initialized = declare('MPI_Initialized', '_Out_ int *');
  const initThread = declare('MPI_Init_thread', 'void *, void *, int, _Out_ int *');
  const setErrorHandler = declare('MPI_Comm_set_errhandler', 'void *, void *');
  const commRank = declare('MPI_Comm_rank', 'void *, _Out_ int *');
  const commSize = declare('MPI_Comm_size', 'void *, _Out_ int *');
  const splitType = declare('MPI_Comm_split_type', 'void *, int, int, void *, _Out_ void **');
  const commFree = declare('MPI_Comm_free', '_Inout_ void **');
  const gather = declare('MPI_Allgather', 'void *, int, void *, void *, int, void *, void *');
  const collective = 'void *, int, void *, void *, int, void *, void *, _Out_ void **';
  const iAllGather = declare('MPI_Iallgather', collective);
  const iAllToAll = declare('MPI_Ialltoall', collective);
  const iBroadcast = declare('MPI_Ibcast', 'void *, int, void *, int, void *, _Out_ void **');
  const test = declare('MPI_Test', '_Inout_ void **, _Out_ int *, void *');
  const finalize = declare('MPI_Finalize', '');
  const abort = declare('MPI_Abort', 'void *, int');

  const already = number(initialized);
  if (already) throw onlyOnce();
  const provided = number((out) => initThread(null, null, THREAD_FUNNELED, out));
  if (provided < THREAD_FUNNELED) throw failed('MPI_Init_thread', 'no MPI_THREAD_FUNNELED');
  setErrorHandler(world, errorsReturn);

  const pending = (start: (request: [unknown]) => void): Pending => {
    const request: [unknown] = [null];
    start(request);
    return () => number((flag) => test(request, flag, null)) === 1;
  };
  return {
    rank: number((out) => commRank(world, out)),
    size: number((out) => commSize(world, out)),
    gatherOnMachine(bytes) {
      const machine: [unknown] = [null];
      splitType(world, COMM_TYPE_SHARED, 0, noInfo, machine);
      const [each, ranks] = [bytes.length, number((out) => commSize(machine[0], out))];
      const all = new Uint8Array(ranks * each);
      gather(bytes, each, byte, all, each, byte, machine[0]);
      commFree(machine);
      return Array.from({ length: ranks }, (_, i) => all.slice(i * each, (i + 1) * each));
    },
    allocate(bytes) {
      const pointer = koffi.alloc('char', bytes) as bigint;
      return { pointer, buffer: koffi.view(pointer, bytes) };
    },
    free: ({ pointer }) => koffi.free(pointer),
    allGather: (send, receive, length) =>
      pending((request) =>
        iAllGather(send.pointer, length, byte, receive.pointer, length, byte, world, request),
      ),
    allToAll: (send, receive, length) =>
      pending((request) =>
        iAllToAll(send.pointer, length, byte, receive.pointer, length, byte, world, request),
      ),
    broadcast: ({ pointer }, length, root) =>
      pending((request) => iBroadcast(pointer, length, byte, root, world, request)),
    finalize,
    abort: (exitCode) => abort(world, exitCode),
  };
}

/** What a function of C leaves behind its last pointer. */
function number(call: (out: [number]) => void): number {
  const out: [number] = [0];
  call(out);
  return out[0];
}

function failed(name: string, text: string): TrainError {
  return new TrainError({
    code: 'train/mpi-call',
    where: name,
    expected: 'success',
    got: text,
    fix: 'The messages of mpirun or srun say more.',
  });
}

function onlyOnce(): TrainError {
  return new TrainError({
    code: 'train/mpi-once',
    where: 'openMpi',
    expected: 'to be called once in a process, as MPI begins and ends once',
    got: 'another call',
    fix: 'Keep the communicator of the first call.',
  });
}
