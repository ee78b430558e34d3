import type { Parameters } from '@imglish/core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { Moments } from '../optimizer/adamw.js';
import type { TrainWarning } from './warnings.js';

/** Inputs of a loss; everything besides `size` is between the batch source and the loss. */
export interface Batch {
  /** Samples in it. */
  readonly size: number;
}

/**
 * Batch number `index` of a run, the same whenever it is asked for: there is nothing to save.
 *
 * Indices are numbered through a step: with k micro-batches and R ranks, step s takes the indices
 * s·k·R … (s + 1)·k·R − 1. What is random in a batch (order, masks, drop paths) is drawn from the
 * index by core's `draw`. The caller owns the batch and the tensors in it.
 */
export interface BatchSource<B extends Batch> {
  (index: number): Promise<B>;
  /** What the batches under way are waiting for, in words, for whoever wonders why they do not come. */
  waitingFor?: () => string;
}

/** One stream's loss, not yet divided: Σ over its samples (or slots), and how many there were. */
export interface LossTerm {
  /** Σ ℓᵢ, a float32 scalar. */
  readonly sum: Scalar;
  /** Known from the batch without computing anything, such as the number of masked words. */
  readonly count: number;
}

export interface LossContext {
  /** Updates done before this one. */
  readonly step: number;
  /** Which batch of the run. */
  readonly index: number;
}

/** The loss of a batch, stream by stream; a stream that has nothing in this batch may be absent. */
export type Loss<B extends Batch> = (
  parameters: Parameters,
  batch: B,
  context: LossContext,
) => Readonly<Record<string, LossTerm>>;

/** All that changes as a run goes on, as tensors. */
export interface TrainState {
  /** Updates done. */
  readonly step: number;
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly moments: Readonly<Record<string, Moments>>;
  /** Moving average of the parameters, in a run that takes one. */
  readonly average?: Readonly<Record<string, Tensor>> | undefined;
}

/** A float32 tensor that is somewhere else, such as in a file or with an engine. */
export interface ValueSource {
  readonly shape: readonly number[];
  /** Its values, row-major; not to be written to. */
  read(): Promise<Float32Array>;
  /** That every value is one of this type, as which they can be stored without loss. */
  readonly stored?: 'bfloat16';
}

/** `Moments` that are somewhere else. */
export interface MomentsSource {
  readonly step: number;
  readonly m: ValueSource;
  readonly v: ValueSource;
}

/** A `TrainState` that is somewhere else: tensors are read one by one, and need not all exist at once. */
export interface StateSource {
  readonly step: number;
  readonly parameters: Readonly<Record<string, ValueSource>>;
  readonly moments: Readonly<Record<string, MomentsSource>>;
  readonly average?: Readonly<Record<string, ValueSource>> | undefined;
  /** `Compiler.description` of what computed it; none where that was a tfjs backend. */
  readonly compiler?: string | undefined;
}

/** A `StateSource` to be closed when it has been read. */
export interface SavedState extends StateSource {
  close(): Promise<void>;
}

/** What one step did. Everything but `timing` is the same in every run with the same inputs. */
export interface StepMetrics {
  /** Updates done, this one included. */
  readonly step: number;
  /** Mean loss of each stream that had anything in this step, without weights. */
  readonly losses: Readonly<Record<string, number>>;
  /** What those means are taken over, all micro-batches and ranks together. */
  readonly counts: Readonly<Record<string, number>>;
  /** Σ weight · loss, what was minimised. */
  readonly total: number;
  /** Learning rate, before the groups' scales. */
  readonly lr: number;
  /** Norm of all gradients before clipping. */
  readonly gradientNorm: number;
  /** Samples of all micro-batches and ranks. */
  readonly samples: number;
  readonly timing: {
    /** Since this process began to train. */
    readonly seconds: number;
    readonly samplesPerSecond: number;
  };
}

/** Where a run keeps itself. `openRun` of `@imglish/train/node` is one; a browser may have another. */
export interface Run {
  /** Steps between two checkpoints. */
  readonly every: number;
  /**
   * The latest checkpoint, if there is one; the caller closes it. `compiler` describes what the run
   * goes on with, if it is compiled: a checkpoint made with something else is worth a warning.
   */
  restore(compiler?: string): Promise<SavedState | undefined>;
  /**
   * Makes a checkpoint, all or nothing. The state may change once this has resolved, which may be
   * before the checkpoint is complete.
   */
  save(state: StateSource): Promise<void>;
  /** Resolves once every checkpoint is complete; rejects where one could not be made. */
  settled?(): Promise<void>;
  /** Appends to the log. */
  log(metrics: StepMetrics): Promise<void>;
  /** Tells people. */
  warn?(warning: TrainWarning): void;
}
