import type { Parameters } from '@imglish/core';
import type { Communicator } from '../communicator/communicator.js';
import type { IndexedBatch } from './batches.js';
import type { Batch, StateSource, StepMetrics, TrainState } from './contracts.js';
import type { TrainOptions } from './train.js';

/** Options, with a communicator in any case. */
export type Settings<B extends Batch> = TrainOptions<B> & { communicator: Communicator };

/** Keeps the state of a run and makes updates: eagerly, or compiled. */
export interface Stepper<B extends Batch> {
  /** The state as it is now; to be read before the next update. */
  state(): StateSource;
  /** One update; the batches stay the caller's. After an error the state is of no use any more. */
  step(batches: readonly IndexedBatch<B>[]): Promise<Omit<StepMetrics, 'timing'>>;
  /** The parameters, or their average, as tensors, and what to do when they have been used. */
  lend(which: Lent): Promise<Loan>;
  /** Rounds all moments to bfloat16. */
  roundMoments?(): Promise<void>;
  /** The state as tensors, which are the caller's; frees everything else. */
  finish(): Promise<TrainState>;
  /** Frees everything. */
  dispose(): Promise<void>;
}

/** There is an average in a run with `ema` only. */
export type Lent = 'parameters' | 'average';

export interface Loan {
  parameters: Parameters;
  giveBack(): void;
}
