import { ConfigError, type Parameters } from '@imglish/core';
import { dispose, mul, type Tensor } from '@tensorflow/tfjs-core';
import { type Communicator, soloCommunicator } from '../communicator/communicator.js';
import { type AdamWHyperparameters, adamW } from '../optimizer/adamw.js';
import { clipFactor, globalNorm } from '../optimizer/clip.js';
import type { ParameterGroups } from '../optimizer/groups.js';
import type { Schedule } from '../schedule/schedule.js';
import { disposeBatches, fetchBatches, type IndexedBatch } from './batches.js';
import type { Batch, BatchSource, Loss, Run, StepMetrics, TrainState } from './contracts.js';
import { assertFinite } from './not-finite.js';
import { cloneParameters, disposeState, initialState } from './state.js';
import { stepGradients } from './step.js';

export interface TrainOptions<B extends Batch> {
  /** Where training begins, unless `run` has a checkpoint. Stays the caller's, who may dispose it any time. */
  parameters: Parameters;
  loss: Loss<B>;
  batches: BatchSource<B>;
  /** Updates of the whole run, those before a resume included. */
  steps: number;
  schedule: Schedule;
  /** One for every parameter; see `parameterGroups`. */
  groups: ParameterGroups;
  /** Every stream of the loss with its weight in the total; 0 reports a stream without learning from it. */
  weights: Readonly<Record<string, number>>;
  /** Micro-batches per step and rank, default 1. */
  accumulate?: number;
  /**
   * The counts that the loss will return for a batch. With several micro-batches or ranks they are
   * needed before the backward passes; without this function, extra forward passes find them out.
   */
  counts?: (batch: B) => Readonly<Record<string, number>>;
  /** Clips the gradients to this global norm. */
  maxGradientNorm?: number;
  adamW?: AdamWHyperparameters;
  /** Default: one rank. Close it when `train` has ended, or failed: else the other ranks wait. */
  communicator?: Communicator;
  /** Checkpoints, log and resume; on rank 0 only. */
  run?: Run;
  /** When aborted, the running step is finished and saved, on all ranks, and `train` returns. */
  signal?: AbortSignal;
  /** After each step; `parameters` are lent, for an evaluation. */
  onStep?: (metrics: StepMetrics, parameters: Parameters) => void | Promise<void>;
}

/** The caller owns the tensors in `state`. */
export interface TrainResult {
  state: TrainState;
  /** Of the last step done by this call, if any. */
  metrics: StepMetrics | undefined;
  /** Whether `signal` ended the run before its last step. */
  stopped: boolean;
}

/**
 * Trains: for each step, gradients of the weighted mean losses over all micro-batches and ranks, their
 * norm, clipping, AdamW. Begins after the run's last checkpoint; with the same inputs on the same
 * machine and engine, the result is the same bits however often the run was interrupted.
 *
 * While a step is computed, the batches of the next one are on their way.
 *
 * @throws ConfigError `train/options` for options that cannot be.
 * @throws TrainError `train/not-finite` for a loss or gradient that is NaN or infinite; the step is
 * neither applied nor saved. `train/nothing-to-learn`, `train/unknown-stream`, `train/counts`,
 * `train/loss-term`, `train/state` for losses, batches or checkpoints that do not fit.
 */
export async function train<B extends Batch>(options: TrainOptions<B>): Promise<TrainResult> {
  checkOptions(options);
  const { steps, accumulate = 1, communicator = soloCommunicator(), run, signal } = options;
  const started = performance.now();
  let state = await initialState(cloneParameters(options.parameters), run, communicator);
  let saved = run && state.step > 0 ? state.step : -1;
  let metrics: StepMetrics | undefined;
  let stopped = false;
  let upcoming: Promise<IndexedBatch<B>[]> | undefined;
  const fetch = (step: number): Promise<IndexedBatch<B>[]> => {
    const fetched = fetchBatches(options.batches, step, accumulate, communicator);
    // Awaited one step later; a failure until then is not an unhandled one.
    fetched.catch(() => {});
    return fetched;
  };
  try {
    while (state.step < steps) {
      const [stopping] = await communicator.allReduce([signal?.aborted ? 1 : 0]);
      if (stopping! > 0) {
        stopped = true;
        break;
      }
      const begun = performance.now();
      const batches = await (upcoming ?? fetch(state.step));
      upcoming = state.step + 1 < steps ? fetch(state.step + 1) : undefined;
      const done = await step(options, communicator, state, batches);
      state = done.state;
      const now = performance.now();
      metrics = {
        ...done.metrics,
        timing: {
          seconds: (now - started) / 1000,
          samplesPerSecond: (1000 * done.metrics.samples) / (now - begun),
        },
      };
      await run?.log(metrics);
      await options.onStep?.(metrics, state.parameters);
      if (run && state.step % run.every === 0) {
        await run.save(state);
        saved = state.step;
      }
    }
    if (run && saved !== state.step) await run.save(state);
    await communicator.barrier();
  } catch (error) {
    disposeState(state);
    throw error;
  } finally {
    await upcoming?.then(disposeBatches, () => {});
  }
  return { state, metrics, stopped };
}

/** One update. Takes over the state and the batches. */
async function step<B extends Batch>(
  options: TrainOptions<B>,
  communicator: Communicator,
  state: TrainState,
  batches: readonly IndexedBatch<B>[],
): Promise<{ state: TrainState; metrics: Omit<StepMetrics, 'timing'> }> {
  const { loss, weights, counts: known, groups, schedule } = options;
  const { parameters, moments } = state;
  const inputs = { step: state.step, batches, parameters, loss, weights, counts: known };
  const { gradients, ...measured } = await stepGradients({ ...inputs, communicator }).finally(() =>
    disposeBatches(batches),
  );
  try {
    const done = state.step + 1;
    const norm = globalNorm(gradients);
    const gradientNorm = (await norm.data())[0]!;
    norm.dispose();
    await assertFinite(done, measured.losses, gradientNorm, parameters, gradients);
    scaleInPlace(gradients, clipFactor(gradientNorm, options.maxGradientNorm ?? Infinity));
    const lr = schedule(state.step);
    const hyperparameters = { ...options.adamW, lr, groups, release: true };
    const next = adamW(parameters, gradients, moments, hyperparameters);
    return {
      state: { step: done, parameters: next.parameters, moments: next.state },
      metrics: { step: done, ...measured, lr, gradientNorm },
    };
  } catch (error) {
    dispose(gradients);
    throw error;
  }
}

function scaleInPlace(tensors: Record<string, Tensor>, factor: number): void {
  if (factor === 1) return;
  for (const [name, tensor] of Object.entries(tensors)) {
    tensors[name] = mul(tensor, factor);
    tensor.dispose();
  }
}

function checkOptions<B extends Batch>(options: TrainOptions<B>): void {
  const check = (expected: string, ok: boolean, got: unknown): void => {
    if (!ok) {
      const details = { code: 'train/options', where: 'train', expected, got: String(got) };
      throw new ConfigError(details);
    }
  };
  const { parameters, groups, steps, accumulate = 1, maxGradientNorm = 1, run } = options;
  check('a positive whole number of steps', Number.isInteger(steps) && steps > 0, steps);
  check(
    'a positive whole number of micro-batches (accumulate)',
    Number.isInteger(accumulate) && accumulate > 0,
    accumulate,
  );
  check('a positive maxGradientNorm', maxGradientNorm > 0, maxGradientNorm);
  const weights = Object.values(options.weights);
  check(
    'weights of at least 0, one of them positive',
    weights.every((weight) => weight >= 0 && weight < Infinity) && weights.some((w) => w > 0),
    JSON.stringify(options.weights),
  );
  const without = Object.keys(parameters).filter((name) => !groups[name]);
  check('a group for every parameter', without.length === 0, `none for ${without.join(', ')}`);
  check('a run on rank 0 only', !run || !options.communicator?.rank, options.communicator?.rank);
  check(
    'a positive whole number of steps between checkpoints',
    !run || (Number.isInteger(run.every) && run.every > 0),
    run?.every,
  );
}
