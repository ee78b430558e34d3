import { ConfigError, rejectUnknownKeys } from '@imglish/core';
import { type MaskRatios, PAPER_MASK_RATIOS } from '../batches/masked-example.js';
import type { StreamMix } from '../batches/pretrain-batches.js';
import {
  OBJECTIVE_NAMES,
  type ObjectiveWeights,
  objectivesIn,
  streamsIn,
} from '../objectives/objectives.js';
import { INITIALIZATIONS, type Initialization } from './initialization.js';

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
  /** Decay of a moving average of the parameters, which is then what is kept of them; 0 for none. */
  ema: number;
  /** What is learnt by, with the weight of each in the total; 0 reports one without learning from it. */
  objectives: ObjectiveWeights;
  /** Weight of single parts of the loss within their objective; 1 where none is given. */
  weights: Readonly<Record<string, number>>;
  /** Activations are computed again instead of kept. */
  recompute: boolean;
  /** How parameters begin when there are none to go on from. */
  initialization: Initialization;
  /**
   * Neighbours of a data set that are mixed with each other; without it 4,096 of one that has parts,
   * such as shards, and all of any other.
   */
  window?: number;
}

/**
 * The paper's settings (arXiv 2208.10442): a batch is 2048 texts, 2048 images and 2048 pairs. Lengths
 * of texts, where the cosine ends and where gradients are clipped are this project's; stochastic
 * depth, 0.1 in the paper, is `dropPathRate` of the model.
 */
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
  ema: 0,
  objectives: { 'masked-data-modelling': 1 },
  weights: {},
  recompute: false,
  initialization: 'reference',
};

const MIX_KEYS = ['text', 'image', 'pair'] as const;
const RATIO_KEYS = ['text', 'image', 'pairText'] as const;

/**
 * A complete, checked recipe: the paper's, with changes. A stream that no objective reads is left out
 * of the mix, unless the changes ask for it.
 *
 * Throws `ConfigError`: `config/unknown-key` naming the nearest known key, `config/invalid-value`,
 * `config/objectives` for objectives that have nothing to read, or not what they need beside them.
 */
export function pretrainRecipe(changes: Partial<PretrainRecipe> = {}): PretrainRecipe {
  rejectUnknownKeys('pretrainRecipe', changes, [...Object.keys(PAPER_RECIPE), 'window']);
  const { objectives = PAPER_RECIPE.objectives } = changes;
  rejectUnknownKeys('pretrainRecipe objectives', objectives, OBJECTIVE_NAMES);
  const recipe: PretrainRecipe = { ...PAPER_RECIPE, mix: mixFor(objectives), ...changes };
  rejectUnknownKeys('pretrainRecipe mix', recipe.mix, MIX_KEYS);
  rejectUnknownKeys('pretrainRecipe ratios', recipe.ratios, RATIO_KEYS);
  const parts = objectivesIn(recipe.objectives).flatMap((objective) => objective.parts);
  rejectUnknownKeys('pretrainRecipe weights', recipe.weights, parts);
  const whole = (key: keyof PretrainRecipe, least: number) =>
    check(key, `an integer of at least ${least}`, isWhole(recipe[key], least), recipe[key]);
  const number = (key: keyof PretrainRecipe, range: string, within: (value: number) => boolean) =>
    check(key, `a number ${range}`, isNumber(recipe[key], within), recipe[key]);
  whole('seed', 0);
  whole('steps', 1);
  whole('accumulate', 1);
  whole('warmupSteps', 0);
  whole('maxTextLength', 3);
  whole('maxCaptionLength', 3);
  if (recipe.window !== undefined) whole('window', 0);
  check('warmupSteps', 'at most `steps`', recipe.warmupSteps <= recipe.steps, recipe.warmupSteps);
  for (const key of ['lr', 'minLr', 'weightDecay', 'epsilon'] as const) {
    number(key, 'of at least 0', (value) => value >= 0);
  }
  for (const key of ['beta1', 'beta2', 'ema'] as const) {
    number(key, 'in [0, 1)', (value) => value >= 0 && value < 1);
  }
  number('layerDecay', 'in (0, 1]', (value) => value > 0 && value <= 1);
  number('maxGradientNorm', 'above 0', (value) => value > 0);
  const { mix, ratios, weights } = recipe;
  check(
    'mix',
    'an integer of at least 0 for each of text, image and pair',
    MIX_KEYS.every((key) => isWhole(mix[key], 0)),
    mix,
  );
  check(
    'ratios',
    'a number in (0, 1) for each of text, image and pairText',
    RATIO_KEYS.every((key) => isNumber(ratios[key], (ratio) => ratio > 0 && ratio < 1)),
    ratios,
  );
  const areWeights = (given: Readonly<Record<string, unknown>>) =>
    Object.values(given).every((weight) => isNumber(weight, (value) => value >= 0));
  check('weights', 'numbers of at least 0', areWeights(weights), weights);
  check(
    'objectives',
    'a weight of at least 0 for each, one of them positive',
    areWeights(objectives) && Object.values(objectives).some((weight) => weight > 0),
    objectives,
  );
  check(
    'initialization',
    INITIALIZATIONS.join(' or '),
    INITIALIZATIONS.includes(recipe.initialization),
    recipe.initialization,
  );
  check('recompute', 'a boolean', typeof recipe.recompute === 'boolean', recipe.recompute);
  checkObjectives(recipe);
  return recipe;
}

function mixFor(objectives: ObjectiveWeights): StreamMix {
  const read = streamsIn(objectives);
  const { mix } = PAPER_RECIPE;
  const of = (stream: keyof StreamMix) => (read.has(stream) ? mix[stream] : 0);
  return { text: of('text'), image: of('image'), pair: of('pair') };
}

function checkObjectives({ objectives, mix }: PretrainRecipe): void {
  const chosen = objectivesIn(objectives);
  const check = (expected: string, valid: boolean, got: unknown): void => {
    if (valid) return;
    const details = { code: 'config/objectives', where: 'pretrainRecipe' };
    throw new ConfigError({ ...details, expected, got: JSON.stringify(got) });
  };
  for (const { name, needs, streams } of chosen) {
    for (const other of needs) {
      const there = chosen.some((one) => one.name === other);
      check(`${other} beside ${name}, which draws what is wrong by it`, there, objectives);
    }
    const some = streams.some((stream) => mix[stream] > 0);
    check(`samples of ${streams.join(' or ')} in the mix, for ${name}`, some, mix);
  }
  const read = streamsIn(objectives);
  for (const stream of MIX_KEYS) {
    check(
      `no ${stream} in the mix, which none of the objectives reads`,
      read.has(stream) || mix[stream] === 0,
      { objectives, mix },
    );
  }
}

function isNumber(value: unknown, within: (value: number) => boolean): boolean {
  return typeof value === 'number' && Number.isFinite(value) && within(value);
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
    got: typeof value === 'object' ? JSON.stringify(value) : String(value),
  });
}
