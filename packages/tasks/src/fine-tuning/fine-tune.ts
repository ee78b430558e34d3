import {
  type Compiler,
  type Dataset,
  disposeAll,
  initializeParameters,
  type Parameters,
} from '@imglish/core';
import {
  type Guards,
  type OnStep,
  parameterGroups,
  type Run,
  type StepMetrics,
  type StoredMoments,
  train,
  warmupCosine,
} from '@imglish/train';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { taskSpecs } from '../model/save-load.js';
import type { Metrics, Task, TaskBatch, TaskReader, TaskTypes } from '../task.js';
import { type Augment, taskBatches } from './batches.js';
import type { EvaluationOptions } from './evaluate.js';
import { plannedSteps } from './recipe.js';
import { type TuningOptions, tuning } from './trained.js';
import { changingModel } from './validator.js';

export interface FineTuneOptions<T extends TaskTypes> extends TuningOptions, Guards {
  task: Task<T>;
  reader: TaskReader;
  recipe: T['Recipe'];
  /** Where it begins, all of the model: see `beginTask`. Stays the caller's. */
  parameters: Parameters;
  data: Dataset<T['Example']>;
  augment?: Augment | undefined;
  /** Updates of the whole run, in place of the recipe's epochs. */
  steps?: number | undefined;
  /** Scores the model while it learns, and once at the end. */
  validation?: Validation<T> | undefined;
  /** Checkpoints, log and resume. */
  run?: Run;
  /** As what they store moments; see `train`. */
  moments?: StoredMoments | undefined;
  signal?: AbortSignal;
  onStep?: (metrics: StepMetrics) => void | Promise<void>;
  /** Compiles the steps, and the evaluations too. */
  compiler?: Compiler | undefined;
}

export interface Validation<T extends TaskTypes> extends EvaluationOptions<T> {
  data: Dataset<T['Example']>;
  /** Updates between two evaluations; by default a tenth of the run. */
  every?: number | undefined;
  /** The best score of a run that goes on, asked when its checkpoint has been read. */
  best?: (() => number | undefined) | undefined;
  /** Called with each score; `parameters` are lent until it ends, merged. */
  onScore?: (score: ValidationScore, parameters: Parameters) => void | Promise<void>;
}

export interface ValidationScore {
  /** Updates done. */
  readonly step: number;
  readonly metrics: Metrics;
  /** Whether the first metric is higher than ever before. */
  readonly best: boolean;
}

export interface FineTuned {
  /** Of the finished model, averaged with the recipe's `ema`; additions are merged into it. The caller owns them. */
  parameters: Record<string, Tensor>;
  /** Updates done. */
  step: number;
  /** Whether `signal` ended it before its last step. */
  stopped: boolean;
  /** Of this call, in order. */
  scores: readonly ValidationScore[];
}

/**
 * Tunes a model for a task as the recipe says: AdamW with the learning rate falling layer by layer,
 * linear warm-up, cosine; all of the model, a part, its head alone, or low-rank additions.
 *
 * With a `run` it goes on where the last checkpoint is, to the same bits. Throws what `taskBatches` and
 * `train` throw (`train/not-finite` names the step and the tensor), `config/no-parameter`,
 * `config/lora`.
 */
export async function fineTune<T extends TaskTypes>(
  options: FineTuneOptions<T>,
): Promise<FineTuned> {
  const { task, reader, recipe, data, validation } = options;
  const { config, labels } = reader;
  const specs = taskSpecs(task, reader);
  const headNames = Object.keys(task.headSpecs(config, task.options(labels)));
  const tuned = tuning(specs, headNames, options);
  const fresh = initializeParameters(tuned.added, recipe.seed);
  const parameters = { ...options.parameters, ...fresh };
  const { steps, warmupSteps } = plannedSteps(recipe, data.size, options.steps);
  const model =
    validation && changingModel(task, reader, specs, validation.data, validation, options.compiler);
  const scores: ValidationScore[] = [];
  let best: number | undefined;
  const score = async (step: number, current: Parameters): Promise<void> => {
    const { parameters: merged, made } = tuned.merged(current);
    try {
      const metrics = await model!.score(merged);
      best ??= validation!.best?.() ?? Number.NEGATIVE_INFINITY;
      const [value] = Object.values(metrics) as [number];
      scores.push({ step, metrics, best: value > best });
      best = Math.max(best, value);
      await validation!.onScore?.(scores.at(-1)!, merged);
    } finally {
      dispose(made);
    }
  };
  const every = validation?.every ?? Math.max(1, Math.round(steps / 10));
  const averages = recipe.ema > 0;
  const onStep: OnStep = async (metrics, lend, lendAverage) => {
    await options.onStep?.(metrics);
    if (model && (metrics.step % every === 0 || metrics.step === steps)) {
      await score(metrics.step, await (averages ? lendAverage : lend)());
    }
  };
  try {
    const { state, stopped } = await train<TaskBatch<T['Inputs']>>({
      parameters,
      batches: taskBatches(options),
      loss: (current, { inputs, dropPath }) => {
        const outputs = task.forward(tuned.effective(current), config, inputs, {
          dropPath,
          recompute: recipe.recompute,
        });
        return { [task.name]: task.loss(outputs, inputs) };
      },
      counts: ({ count }) => ({ [task.name]: count }),
      weights: { [task.name]: 1 },
      frozen: tuned.frozen,
      steps,
      accumulate: recipe.accumulate,
      schedule: warmupCosine({ base: recipe.lr, final: recipe.minLr, steps, warmupSteps }),
      groups: parameterGroups(
        { ...specs, ...tuned.added },
        {
          weightDecay: recipe.weightDecay,
          layerDecay: recipe.layerDecay,
          layers: config.layers,
          // As in the reference, the head's factor counts only where there is no layer decay.
          taskHeadLrWeight: recipe.layerDecay === 1 ? recipe.headLrMultiplier : 1,
        },
      ),
      adamW: { beta1: recipe.beta1, beta2: recipe.beta2, epsilon: recipe.epsilon },
      ...(averages ? { ema: { decay: recipe.ema } } : {}),
      ...(recipe.maxGradientNorm === null ? {} : { maxGradientNorm: recipe.maxGradientNorm }),
      ...(options.run ? { run: options.run } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.compiler ? { compiler: options.compiler } : {}),
      moments: options.moments,
      ...{ norms: options.norms, patience: options.patience, onWarning: options.onWarning },
      onStep,
    });
    for (const { m, v } of Object.values(state.moments)) disposeAll({ m, v });
    if (state.average) disposeAll(state.parameters);
    const learnt = state.average ?? state.parameters;
    const merged = tuned.merged(learnt);
    for (const [name, value] of Object.entries(learnt)) {
      if (merged.parameters[name] !== value) value.dispose();
    }
    return { parameters: merged.parameters, step: state.step, stopped, scores };
  } finally {
    disposeAll(fresh);
    await model?.dispose();
  }
}
