import { ConfigError, type ModelConfig, rejectUnknownKeys } from '@imglish/core';
import type { Task, TaskTypes } from '../task.js';

/**
 * Everything that decides a fine-tuning run besides model and data. Plain JSON; a task has settings of
 * its own beside these.
 */
export interface FineTuningRecipe {
  seed: number;
  /** Resolution `[height, width]`. */
  imageSize: [number, number];
  /** Times through the data. */
  epochs: number;
  /** Of them, those of the warm-up. */
  warmupEpochs: number;
  /**
   * How often an epoch visits an example: 5 where the official scripts count each of an image's five
   * captions as an example, else 1.
   */
  visits: number;
  /** Samples of an update. */
  batch: number;
  /** Parts that a batch is computed in, whose gradients are added up. */
  accumulate: number;
  /** Highest learning rate. */
  lr: number;
  /** Where the cosine ends. */
  minLr: number;
  /** Factor of the learning rate per layer of depth; 1 for none. */
  layerDecay: number;
  /** Factor of the learning rate of parameters whose name begins with `head`; only without layer decay. */
  headLrMultiplier: number;
  /** Stochastic depth of the last layer. */
  dropPath: number;
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Gradients are clipped to this norm; `null` for not at all. */
  maxGradientNorm: number | null;
  /** Decay of a moving average of the parameters, which is then what is scored and kept; 0 for none. */
  ema: number;
  /** Activations are computed again instead of kept. */
  recompute: boolean;
  /** Augmentation of training images, by name: whoever reads the data knows them. */
  augmentation: 'randaugment' | 'imagenet' | 'none';
}

/** What the official scripts share (run_beit3_finetuning.py). */
export const OFFICIAL_DEFAULTS: Omit<FineTuningRecipe, 'imageSize' | 'batch' | 'lr'> = {
  seed: 0,
  epochs: 20,
  warmupEpochs: 5,
  visits: 1,
  accumulate: 1,
  minLr: 1e-6,
  layerDecay: 1,
  headLrMultiplier: 1,
  dropPath: 0.1,
  weightDecay: 0.05,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  maxGradientNorm: null,
  ema: 0,
  recompute: false,
  augmentation: 'randaugment',
};

/**
 * For models of this project's smaller sizes, for which nothing was released: with the official rates
 * they would not get far.
 */
const FOR_SMALL_MODELS: Partial<FineTuningRecipe> = {
  epochs: 10,
  warmupEpochs: 1,
  visits: 1,
  batch: 32,
  lr: 1e-3,
  minLr: 1e-6,
  layerDecay: 1,
  headLrMultiplier: 1,
  dropPath: 0,
  weightDecay: 0.05,
  maxGradientNorm: 3,
};

/** Widths below that of the released models. */
const SMALLEST_RELEASED = 768;

/**
 * A complete, checked recipe: the task's official settings for a model of that size, with changes.
 *
 * Throws `ConfigError`: `config/unknown-key` naming the nearest known key, `config/invalid-value`.
 */
export function fineTuningRecipe<T extends TaskTypes>(
  task: Pick<Task<T>, 'name' | 'recipe'>,
  config: ModelConfig,
  changes: Partial<T['Recipe']> = {},
): T['Recipe'] {
  const official = task.recipe(config);
  const where = `fineTuningRecipe ${task.name}`;
  rejectUnknownKeys(where, changes, Object.keys(official));
  const small = config.dim < SMALLEST_RELEASED ? FOR_SMALL_MODELS : {};
  const recipe: T['Recipe'] = { ...official, ...small, ...changes };
  for (const [key, value] of Object.entries(recipe)) {
    const rule = RULES[key];
    if (rule && !rule.holds(value)) {
      throw new ConfigError({
        code: 'config/invalid-value',
        where,
        expected: `${key} to be ${rule.expected}`,
        got: String(value),
      });
    }
  }
  microBatch(recipe);
  return recipe;
}

/** Samples of a micro-batch; `config/invalid-value` where `accumulate` does not divide the batch. */
export function microBatch({ batch, accumulate }: FineTuningRecipe): number {
  if (batch % accumulate === 0) return batch / accumulate;
  throw new ConfigError({
    code: 'config/invalid-value',
    where: 'fineTuningRecipe',
    expected: `accumulate to divide the batch of ${batch}`,
    got: String(accumulate),
  });
}

/** Updates of a run, and those of its warm-up; `steps`, if given, is the whole in place of the epochs'. */
export function plannedSteps(
  { epochs, warmupEpochs, visits, batch }: FineTuningRecipe,
  size: number,
  steps?: number,
): { steps: number; warmupSteps: number } {
  const perEpoch = Math.max(1, Math.floor((size * visits) / batch));
  const all = steps ?? Math.max(1, Math.round(epochs * perEpoch));
  return { steps: all, warmupSteps: Math.round((all * warmupEpochs) / epochs) };
}

interface Rule {
  expected: string;
  holds(value: unknown): boolean;
}

const whole = (least: number): Rule => ({
  expected: `a whole number of at least ${least}`,
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= least,
});
const number = (expected: string, holds: (value: number) => boolean): Rule => ({
  expected: `a number ${expected}`,
  holds: (value) => typeof value === 'number' && Number.isFinite(value) && holds(value),
});
const share = number('from 0 up to, not including, 1', (value) => value >= 0 && value < 1);
const notNegative = number('of at least 0', (value) => value >= 0);

const RULES: Readonly<Record<string, Rule>> = {
  seed: whole(0),
  epochs: number('above 0', (value) => value > 0),
  warmupEpochs: notNegative,
  visits: whole(1),
  batch: whole(1),
  accumulate: whole(1),
  lr: notNegative,
  minLr: notNegative,
  layerDecay: number('in (0, 1]', (value) => value > 0 && value <= 1),
  headLrMultiplier: number('of at least 1', (value) => value >= 1),
  dropPath: share,
  weightDecay: notNegative,
  beta1: share,
  beta2: share,
  epsilon: notNegative,
  ema: share,
  recompute: { expected: 'true or false', holds: (value) => typeof value === 'boolean' },
  maxGradientNorm: {
    expected: 'above 0, or null',
    holds: (value) =>
      value === null || (typeof value === 'number' && Number.isFinite(value) && value > 0),
  },
  maxTextLength: whole(3),
  labelSmoothing: share,
  mixup: notNegative,
  cutmix: notNegative,
  maskRatio: number('in (0, 1)', (value) => value > 0 && value < 1),
  dropWorst: share,
  dropWorstAfter: whole(0),
};
