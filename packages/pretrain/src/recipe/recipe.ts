import { ConfigError, rejectUnknownKeys } from '@imglish/core';
import { type MaskRatios, PAPER_MASK_RATIOS } from '../batches/masked-example.js';
import type { StreamMix } from '../batches/pretrain-batches.js';
import { PRETRAIN_STREAMS, type PretrainStream } from '../objectives/pretrain-loss.js';

/** Everything that decides a pretraining run besides model and data. Plain JSON. */
export interface PretrainRecipe {
  seed: number;
  /** Updates of the whole run. */
  steps: number;
  /** Samples of each stream in a batch. */
  mix: StreamMix;
  /** Batches per update, whose gradients are added up. */
  accumulate: number;
  ratios: MaskRatios;
  /** Ids of a text alone, `<s>` and `</s>` included. */
  maxTextLength: number;
  /** Ids of the text of a pair. */
  maxCaptionLength: number;
  /** Highest learning rate. */
  lr: number;
  /** Where the cosine ends. */
  minLr: number;
  warmupSteps: number;
  weightDecay: number;
  /** Factor of the learning rate per layer of depth; 1 for none. */
  layerDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Gradients are clipped to this norm. */
  maxGradientNorm: number;
  /** Weight of each part of the loss. */
  weights: Record<PretrainStream, number>;
  /** Activations are computed again instead of kept. */
  recompute: boolean;
}

/** The paper's settings (arXiv 2208.10442, table 9); a batch of 6144 is its own, from a third each. */
export const PAPER_RECIPE: PretrainRecipe = {
  seed: 0,
  steps: 1_000_000,
  mix: { text: 2048, image: 2048, pair: 2048 },
  accumulate: 1,
  ratios: PAPER_MASK_RATIOS,
  maxTextLength: 196,
  maxCaptionLength: 64,
  lr: 1e-3,
  minLr: 1e-6,
  warmupSteps: 10_000,
  weightDecay: 0.05,
  layerDecay: 1,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-6,
  maxGradientNorm: 3,
  weights: { text: 1, image: 1, pairText: 1, pairImage: 1 },
  recompute: false,
};

/**
 * A complete, checked recipe: the paper's, with changes.
 *
 * Throws `ConfigError`: `config/unknown-key` naming the nearest known key, `config/invalid-value`.
 */
export function pretrainRecipe(changes: Partial<PretrainRecipe> = {}): PretrainRecipe {
  rejectUnknownKeys('pretrainRecipe', changes, Object.keys(PAPER_RECIPE));
  const recipe: PretrainRecipe = { ...PAPER_RECIPE, ...changes };
  rejectUnknownKeys('pretrainRecipe mix', recipe.mix, ['text', 'image', 'pair']);
  rejectUnknownKeys('pretrainRecipe ratios', recipe.ratios, Object.keys(PAPER_MASK_RATIOS));
  rejectUnknownKeys('pretrainRecipe weights', recipe.weights, PRETRAIN_STREAMS);
  const whole = (key: keyof PretrainRecipe, least: number) =>
    check(key, `an integer of at least ${least}`, isWhole(recipe[key], least), recipe[key]);
  whole('seed', 0);
  whole('steps', 1);
  whole('accumulate', 1);
  whole('warmupSteps', 0);
  whole('maxTextLength', 3);
  whole('maxCaptionLength', 3);
  const { mix, ratios, weights } = recipe;
  check(
    'mix',
    'integers of at least 0',
    Object.values(mix).every((n) => isWhole(n, 0)),
    mix,
  );
  check('warmupSteps', 'at most `steps`', recipe.warmupSteps <= recipe.steps, recipe.warmupSteps);
  check(
    'ratios',
    'numbers in (0, 1)',
    Object.values(ratios).every((r) => r > 0 && r < 1),
    ratios,
  );
  check(
    'weights',
    'a number of at least 0 for each part of the loss',
    PRETRAIN_STREAMS.every((stream) => weights[stream] >= 0 && weights[stream] < Infinity),
    weights,
  );
  for (const key of ['lr', 'minLr', 'weightDecay', 'epsilon'] as const) {
    check(key, 'a number of at least 0', recipe[key] >= 0 && recipe[key] < Infinity, recipe[key]);
  }
  for (const key of ['beta1', 'beta2'] as const) {
    check(key, 'a number in [0, 1)', recipe[key] >= 0 && recipe[key] < 1, recipe[key]);
  }
  check(
    'layerDecay',
    'a number in (0, 1]',
    recipe.layerDecay > 0 && recipe.layerDecay <= 1,
    recipe.layerDecay,
  );
  check('maxGradientNorm', 'a positive number', recipe.maxGradientNorm > 0, recipe.maxGradientNorm);
  check('recompute', 'a boolean', typeof recipe.recompute === 'boolean', recipe.recompute);
  return recipe;
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function check(key: string, expected: string, valid: boolean, value: unknown): void {
  if (valid) return;
  throw new ConfigError({
    code: 'config/invalid-value',
    where: 'pretrainRecipe',
    expected: `${key} to be ${expected}`,
    got: JSON.stringify(value) ?? String(value),
  });
}
