import { type VqKdRecipe, vqKdRecipe } from '@imglish/pretrain';
import { parseJsonObject } from '../commands/options.js';
import { readText } from '../model/read-file.js';

export interface RecipeOptions {
  recipe?: string;
  steps?: number;
  batch?: number;
  lr?: number;
  seed?: number;
}

/**
 * The recipe of a file, or the one for small tokenizers, with changes from the command line. Dead codes
 * are looked for ten times or more in a run.
 */
export async function visualRecipe(options: RecipeOptions): Promise<VqKdRecipe> {
  const file = options.recipe;
  const given: Partial<VqKdRecipe> = file ? parseJsonObject(await readText(file), file) : {};
  const steps = options.steps ?? given.steps ?? 2000;
  return vqKdRecipe({
    ...{ batch: 16, lr: 1e-3, minLr: 1e-5, maxGradientNorm: 3, revive: true },
    startImages: 256,
    warmupSteps: Math.ceil(steps / 20),
    window: Math.max(1, Math.min(100, Math.floor(steps / 10))),
    ...given,
    steps,
    ...(options.batch === undefined ? {} : { batch: options.batch }),
    ...(options.lr === undefined ? {} : { lr: options.lr }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  });
}
