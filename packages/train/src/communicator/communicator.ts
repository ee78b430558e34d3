/**
 * How the ranks of a data-parallel run talk. Every rank makes the same calls in the same order, with
 * values of the same length; sums are taken in the order of the ranks, so that every rank gets the
 * same bits, in every run.
 */
export interface Communicator {
  /** Which of the ranks this is, 0 … size − 1. Rank 0 writes checkpoints and logs. */
  readonly rank: number;
  readonly size: number;
  /** Σ over ranks, element by element: in float32, or in float64 for plain numbers. */
  allReduce<T extends Float32Array | number[]>(values: T): Promise<T>;
  /** The values of rank `root` (default 0). */
  broadcast<T extends Float32Array | number[]>(values: T, root?: number): Promise<T>;
  /** Resolves once every rank has called it. */
  barrier(): Promise<void>;
  /** Leaves; whoever still waits for this rank gets a `TrainError`. */
  close(): Promise<void>;
}

/** The communicator of a run with one rank. */
export function soloCommunicator(): Communicator {
  return {
    rank: 0,
    size: 1,
    async allReduce<T extends Float32Array | number[]>(values: T): Promise<T> {
      return values;
    },
    async broadcast<T extends Float32Array | number[]>(values: T): Promise<T> {
      return values;
    },
    async barrier(): Promise<void> {},
    async close(): Promise<void> {},
  };
}
