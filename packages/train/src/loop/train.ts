import { type Compiler, ConfigError, type Parameters } from '@imglish/core';
import { type Communicator, soloCommunicator } from '../communicator/communicator.js';
import { compiledStepper } from '../compiled/compiled.js';
import type { AdamWHyperparameters } from '../optimizer/adamw.js';
import type { EmaOptions } from '../optimizer/average.js';
import type { ParameterGroups } from '../optimizer/groups.js';
import type { Schedule } from '../schedule/schedule.js';
import { disposeBatches, fetchBatches, type IndexedBatch } from './batches.js';
import { withBfloat16Moments } from './bfloat16.js';
import type {
  Batch,
  BatchSource,
  Loss,
  Run,
  StateSource,
  StepMetrics,
  TrainState,
} from './contracts.js';
import { checkPatience, type Patience, waitForBatches } from './data-wait.js';
import { eagerStepper } from './eager.js';
import { type Exchange, exchanging } from './exchange.js';
import { freezing } from './freezing.js';
import { type NormRule, normWatch } from './norm-watch.js';
import { comparingRanks } from './same-weights.js';
import { beginFrom } from './state.js';
import type { Lent, Loan, Settings, Stepper } from './stepper.js';
import type { TrainWarning } from './warnings.js';

/** As what checkpoints store moments. */
export type StoredMoments = 'float32' | 'bfloat16';

/** What a run is watched for. */
export interface Guards {
  /** When gradient norms are worth a warning, or the end. */
  norms?: NormRule | undefined;
  /** How long a step waits for its batches. */
  patience?: Patience | undefined;
  /** Told of what somebody should look at; so is the run. */
  onWarning?: ((warning: TrainWarning) => void) | undefined;
}

export interface TrainOptions<B extends Batch> extends Guards {
  /** Where training begins, unless `run` has a checkpoint. Stays the caller's, who may dispose it any time. */
  parameters: Parameters;
  loss: Loss<B>;
  batches: BatchSource<B>;
  /** Updates of the whole run, those before a resume included. */
  steps: number;
  schedule: Schedule;
  /** One for every parameter; see `parameterGroups`. */
  groups: ParameterGroups;
  /** Names of parameters that stay as they are: they have no gradients, moments or decay. Default: none. */
  frozen?: ReadonlySet<string> | undefined;
  /** Every stream of the loss with its weight in the total; 0 reports a stream without learning from it. */
  weights: Readonly<Record<string, number>>;
  /** Micro-batches per step and rank, default 1. */
  accumulate?: number;
  /**
   * The counts that the loss will return for a batch. With several micro-batches or ranks they are
   * needed before the backward passes; without this function, extra forward passes find them out.
   * Required with a `compiler`: a recorded loss returns the counts of the batch it was recorded with.
   */
  counts?: (batch: B) => Readonly<Record<string, number>>;
  /** What the batches of a step learn of each other before their gradients are taken. Default: nothing. */
  exchange?: Exchange<B> | undefined;
  /** Clips the gradients to this global norm. */
  maxGradientNorm?: number;
  adamW?: AdamWHyperparameters;
  /**
   * With `bfloat16`, checkpoints at a multiple of the run's `every` store moments in 16 bits. They are
   * rounded in the running state, too, so that a run which goes on from there is the same to the bit.
   * Between them, and for an engine, moments are float32. Default `float32`.
   */
  moments?: StoredMoments | undefined;
  /** Takes a moving average of all parameters, which is saved with them. Default: none. */
  ema?: EmaOptions | undefined;
  /**
   * Compiles the steps; parameters and moments then stay with its engine. Default: every op is run
   * by itself, on the current tfjs backend.
   *
   * The loss is recorded once for each *signature* of a batch: paths, types and shapes of its tensors,
   * and the values of everything else in it, except under the keys `count` and `size`, wherever they
   * are. So no tensor may depend on a `count` or `size`, nor on the step or index in the context; what
   * differs from batch to batch belongs in its tensors. The last 16 signatures are kept.
   */
  compiler?: Compiler;
  /** Default: one rank. Close it when `train` has ended, or failed: else the other ranks wait. */
  communicator?: Communicator;
  /** Steps after which the ranks compare their parameters, as they do where a run begins or goes on; default 100. */
  compareRanksEvery?: number;
  /** Checkpoints, log and resume; on rank 0 only. */
  run?: Run;
  /**
   * When aborted, the running step is finished and saved, on all ranks, and `train` returns. One that
   * still waits for its batches, on the only rank, is not begun.
   */
  signal?: AbortSignal;
  /**
   * After each step; `parameters()` and, with `ema`, their `average()` are lent until it ends, for an
   * evaluation. With a `compiler` they are made when asked for.
   */
  onStep?: OnStep;
}

export type OnStep = (
  metrics: StepMetrics,
  parameters: () => Promise<Parameters>,
  average: () => Promise<Parameters>,
) => void | Promise<void>;

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
 * @throws TrainError `train/not-finite` for a loss or gradient that is NaN or infinite; nothing of the
 * step is saved. `train/exploding-norm`, `train/stuck-data` where these end a run.
 * `train/nothing-to-learn`, `train/unknown-stream`, `train/counts`, `train/loss-term`,
 * `train/state` for losses, batches or checkpoints that do not fit; with a compiler also
 * `train/batch`, `train/context` for what cannot be recorded.
 */
export async function train<B extends Batch>(options: TrainOptions<B>): Promise<TrainResult> {
  checkOptions(options);
  const { compiler, exchange } = options;
  return trainLoop(options, async (state, communicator) => {
    const loss = freezing(options.loss, options.frozen);
    const settings: Settings<B> = { ...options, loss, communicator };
    const stepper = await (compiler
      ? compiledStepper(settings, compiler, state)
      : eagerStepper(settings, state));
    return exchange ? exchanging(stepper, exchange, communicator) : stepper;
  });
}

/** What a loop needs, whatever its updates are made of. */
export type LoopOptions<B extends Batch> = Pick<
  TrainOptions<B>,
  | 'parameters'
  | 'batches'
  | 'steps'
  | 'accumulate'
  | 'compiler'
  | 'ema'
  | 'moments'
  | 'communicator'
  | 'compareRanksEvery'
  | 'run'
  | 'signal'
  | keyof Guards
  | 'onStep'
>;

/**
 * The loop of `train` around updates of another kind, for what is not learnt by gradients alone:
 * batches, resume, checkpoints, log and stop are the loop's, state and updates those of the stepper
 * that `open` makes of the state in which the run begins.
 */
export async function trainLoop<B extends Batch>(
  options: LoopOptions<B>,
  open: (state: StateSource, communicator: Communicator) => Promise<Stepper<B>>,
): Promise<TrainResult> {
  const { accumulate = 1, communicator = soloCommunicator(), compiler } = options;
  const { parameters, run, steps, signal, ema } = options;
  const watchNorm = normWatch(options.norms);
  checkPatience(options.patience);
  const warn = (warning: TrainWarning): void => {
    run?.warn?.(warning);
    options.onWarning?.(warning);
  };
  const started = performance.now();
  const beginning = {
    ...{ parameters, run, communicator, compiler: compiler?.description },
    averages: ema !== undefined,
  };
  const stepper = await beginFrom(beginning, async (state) =>
    comparingRanks(await open(state, communicator), communicator, options.compareRanksEvery ?? 100),
  );
  let step = stepper.state().step;
  let saved = run && step > 0 ? step : -1;
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
    const every = await roundingSteps(options, stepper, communicator);
    while (step < steps) {
      const [stopping] = await communicator.allReduce([signal?.aborted ? 1 : 0]);
      if (stopping! > 0) {
        stopped = true;
        break;
      }
      const begun = performance.now();
      const fetched = upcoming ?? fetch(step);
      upcoming = undefined;
      const batches = await waitForBatches(fetched, {
        ...{ step, warn, patience: options.patience },
        source: () => options.batches.waitingFor?.() ?? `batches of ${options.batches.name}`,
        signal: communicator.size === 1 ? signal : undefined,
      });
      if (!batches) {
        stopped = true;
        break;
      }
      upcoming = step + 1 < steps ? fetch(step + 1) : undefined;
      const done = await stepper.step(batches).finally(() => disposeBatches(batches));
      step = done.step;
      const now = performance.now();
      metrics = {
        ...done,
        timing: {
          seconds: (now - started) / 1000,
          samplesPerSecond: (1000 * done.samples) / (now - begun),
        },
      };
      await run?.log(metrics);
      const exploding = watchNorm(step, done.gradientNorm);
      if (exploding) warn(exploding);
      if (options.onStep) await lendTo(options.onStep, metrics, stepper);
      const rounds = step % every === 0;
      if (rounds) await stepper.roundMoments?.();
      if (run && step % run.every === 0) {
        await run.save(rounds ? withBfloat16Moments(stepper.state()) : stepper.state());
        saved = step;
      }
    }
    if (run && saved !== step) await run.save(stepper.state());
    await run?.settled?.();
    await communicator.barrier();
    return { state: await stepper.finish(), metrics, stopped };
  } catch (error) {
    await stepper.dispose();
    throw error;
  } finally {
    await upcoming?.then(disposeBatches, () => {});
  }
}

/** After how many steps every rank rounds its moments, or never: infinity. */
async function roundingSteps<B extends Batch>(
  { run, moments = 'float32' }: LoopOptions<B>,
  stepper: Stepper<B>,
  communicator: Communicator,
): Promise<number> {
  if (moments === 'float32') return Number.POSITIVE_INFINITY;
  if (!stepper.roundMoments) {
    throw new ConfigError({
      code: 'train/options',
      where: 'train',
      expected: 'moments as float32, for updates that cannot round them',
      got: moments,
    });
  }
  const [every] = await communicator.broadcast([run?.every ?? 0]);
  return every! > 0 ? every! : Number.POSITIVE_INFINITY;
}

async function lendTo<B extends Batch>(
  onStep: OnStep,
  metrics: StepMetrics,
  stepper: Stepper<B>,
): Promise<void> {
  const loans = new Map<Lent, Promise<Loan>>();
  const lend = (which: Lent) => async (): Promise<Parameters> => {
    const loan = loans.get(which) ?? stepper.lend(which);
    loans.set(which, loan);
    return (await loan).parameters;
  };
  try {
    await onStep(metrics, lend('parameters'), lend('average'));
  } finally {
    for (const loan of loans.values()) {
      await loan.then(
        ({ giveBack }) => giveBack(),
        () => {},
      );
    }
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
  const decay = options.ema?.decay ?? 0;
  check('an ema with a decay in [0, 1)', decay >= 0 && decay < 1, decay);
  check('a positive maxGradientNorm', maxGradientNorm > 0, maxGradientNorm);
  const weights = Object.values(options.weights);
  check(
    'weights of at least 0, one of them positive',
    weights.every((weight) => weight >= 0 && weight < Infinity) && weights.some((w) => w > 0),
    JSON.stringify(options.weights),
  );
  const without = Object.keys(parameters).filter((name) => !groups[name]);
  check('a group for every parameter', without.length === 0, `none for ${without.join(', ')}`);
  const unknown = [...(options.frozen ?? [])].filter((name) => !parameters[name]);
  check('frozen parameters of the model', unknown.length === 0, unknown.join(', '));
  check('counts together with a compiler', !options.compiler || !!options.counts, 'none');
  const { compareRanksEvery = 1 } = options;
  check(
    'a positive whole number of steps between comparisons of ranks',
    Number.isInteger(compareRanksEvery) && compareRanksEvery > 0,
    compareRanksEvery,
  );
  check('a run on rank 0 only', !run || !options.communicator?.rank, options.communicator?.rank);
  check(
    'a positive whole number of steps between checkpoints',
    !run || (Number.isInteger(run.every) && run.every > 0),
    run?.every,
  );
}
