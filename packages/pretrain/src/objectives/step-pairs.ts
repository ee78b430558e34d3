import type { Communicator } from '@imglish/train';

/**
 * All pairs of a step, those of all micro-batches and ranks: numbered 0 … N − 1 in the order of the
 * run, whoever computes them, so that what is made of them does not depend on how they are shared out.
 */
export interface StepPairs {
  /** N. */
  readonly count: number;
  /** Pairs of one batch. */
  readonly each: number;
  /** Which of the N the first pair of each batch of this rank is. */
  readonly first: readonly number[];
  /** The number in the run of the first of the N. */
  readonly number: number;
  readonly features: {
    /** `[N, D]`, as all parameters were before the step. */
    readonly image: Float32Array;
    readonly text: Float32Array;
    readonly dim: number;
    /** exp(logit_scale). */
    readonly scale: number;
  };
  readonly seed: number;
  /** Rows of each batch of this rank, `[each, …]`, as rows of all: `[N, …]`. */
  gather(rows: readonly ArrayLike<number>[]): Promise<Float32Array>;
}

/** Where a rank's batches stand in a step. */
export interface StepPlace {
  /** Batches of the whole step. */
  readonly batches: number;
  /** Which of them each batch of this rank is. */
  readonly places: readonly number[];
}

/** Batches of step s are numbered s·k·R … (s + 1)·k·R − 1: micro-batches, and ranks within each. */
export function stepPlace(
  indices: readonly number[],
  { size }: Pick<Communicator, 'size'>,
): StepPlace {
  const batches = indices.length * size;
  return { batches, places: indices.map((index) => index % batches) };
}

/** Rows of this rank's batches as rows of all batches of a step, the same on every rank. */
export async function gatherRows(
  communicator: Communicator,
  { batches, places }: StepPlace,
  rows: readonly ArrayLike<number>[],
): Promise<Float32Array> {
  const each = rows[0]!.length;
  const all = new Float32Array(each * batches);
  rows.forEach((values, i) => {
    all.set(values, each * places[i]!);
  });
  // Each place is one rank's, and 0 with all others: the sum is exact.
  return communicator.size === 1 ? all : communicator.allReduce(all);
}
