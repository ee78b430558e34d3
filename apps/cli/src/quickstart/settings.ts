import { type ModelConfig, preset } from '@imglish/core';
import { type PretrainRecipe, pretrainRecipe } from '@imglish/pretrain';

/** Everything that a quickstart depends on; the same settings give the same numbers. */
export interface QuickstartSettings {
  config: ModelConfig;
  recipe: PretrainRecipe;
  /** Size of the visual codebook. */
  codes: number;
  /** Images that the codebook is learnt from. */
  codebookImages: number;
  /** WordNet glosses among the texts. */
  glosses: number;
  shareAlike: boolean;
}

/** Updates that take about 90 seconds on two cores, by engine. */
const STEPS: Readonly<Record<string, number>> = { wasm: 400, cpu: 30 };

/** The default run: the tiny preset, a recipe that is sized for a minute and a half. */
export function quickstartSettings(
  backend: string,
  { seed, steps, shareAlike }: { seed: number; steps?: number | undefined; shareAlike: boolean },
): QuickstartSettings {
  const updates = steps ?? STEPS[backend] ?? STEPS.cpu!;
  return {
    config: preset('tiny'),
    recipe: pretrainRecipe({
      seed,
      steps: updates,
      mix: { text: 16, image: 16, pair: 16 },
      maxTextLength: 24,
      maxCaptionLength: 20,
      lr: 2e-3,
      minLr: 1e-5,
      warmupSteps: Math.ceil(updates / 12),
      maxGradientNorm: 3,
    }),
    codes: 128,
    codebookImages: 2000,
    glosses: 3000,
    shareAlike,
  };
}
