import { ConfigError, rejectUnknownKeys } from '@imglish/core';

/** Everything that decides how a VQ-KD tokenizer is trained besides model, data and teacher. Plain JSON. */
export interface VqKdRecipe {
  seed: number;
  /** Updates of the whole run. */
  steps: number;
  /** Images of an update. */
  batch: number;
  /** Highest learning rate. */
  lr: number;
  /** Where the cosine ends. */
  minLr: number;
  warmupSteps: number;
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Gradients are clipped to this norm; null for none. */
  maxGradientNorm: number | null;
  /** Of the codebook's moving average. */
  decay: number;
  /** Images, of the first batches, whose vectors the codebook begins with by k-means. */
  startImages: number;
  /** Steps after which the use of the codebook is looked at, and begun to be counted anew. */
  window: number;
  /** Whether codes that had no use in a window are given the direction of a vector of the batch. */
  revive: boolean;
}

/**
 * The settings of BEiT v2's tokenizer (TOKENIZER.md, run_vqkd_training.py): batches of 512 images, 100
 * epochs of ImageNet's 1.28 million, lr 5e-5 · 512 / 128. It revives no codes; the window is an epoch.
 */
export const PAPER_VQ_KD_RECIPE: VqKdRecipe = {
  seed: 0,
  steps: 250_200,
  batch: 512,
  lr: 2e-4,
  minLr: 1e-5,
  warmupSteps: 25_020,
  weightDecay: 1e-4,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  maxGradientNorm: null,
  decay: 0.99,
  startImages: 512,
  window: 2_502,
  revive: false,
};

/**
 * A complete, checked recipe: the paper's, with changes.
 *
 * Throws `ConfigError`: `config/unknown-key` naming the nearest known key, `config/invalid-value`.
 */
export function vqKdRecipe(changes: Partial<VqKdRecipe> = {}): VqKdRecipe {
  rejectUnknownKeys('vqKdRecipe', changes, Object.keys(PAPER_VQ_KD_RECIPE));
  const recipe: VqKdRecipe = { ...PAPER_VQ_KD_RECIPE, ...changes };
  const check = (key: keyof VqKdRecipe, expected: string, valid: boolean): void => {
    if (valid) return;
    throw new ConfigError({
      code: 'config/invalid-value',
      where: 'vqKdRecipe',
      expected: `${key} to be ${expected}`,
      got: String(JSON.stringify(recipe[key])).slice(0, 80),
    });
  };
  const least = { seed: 0, steps: 1, batch: 1, warmupSteps: 0, startImages: 1, window: 1 };
  for (const [key, lowest] of Object.entries(least) as [keyof typeof least, number][]) {
    const valid = Number.isSafeInteger(recipe[key]) && recipe[key] >= lowest;
    check(key, `an integer of at least ${lowest}`, valid);
  }
  check('warmupSteps', 'at most `steps`', recipe.warmupSteps <= recipe.steps);
  for (const key of ['lr', 'minLr', 'weightDecay', 'epsilon'] as const) {
    check(key, 'a number of at least 0', Number.isFinite(recipe[key]) && recipe[key] >= 0);
  }
  for (const key of ['beta1', 'beta2', 'decay'] as const) {
    check(key, 'a number in [0, 1)', recipe[key] >= 0 && recipe[key] < 1);
  }
  const { maxGradientNorm: norm } = recipe;
  check(
    'maxGradientNorm',
    'a number above 0, or null',
    norm === null || (norm > 0 && norm < Infinity),
  );
  check('revive', 'a boolean', typeof recipe.revive === 'boolean');
  return recipe;
}
