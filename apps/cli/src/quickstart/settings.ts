import { type ModelConfig, preset } from '@imglish/core';
import { type Initialization, type PretrainRecipe, pretrainRecipe } from '@imglish/pretrain';
import type { EmojiSource } from '../model/training-data.js';

/** Everything that a quickstart depends on; the same settings give the same numbers. */
export interface QuickstartSettings {
  /** Name of the engine. */
  backend: string;
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

/** What a user may choose. */
export interface QuickstartChoices {
  seed: number;
  steps?: number | undefined;
  initialization: Initialization;
  shareAlike: boolean;
}

/** Updates by engine: on two cores about 90 seconds of them op by op, less where they are compiled. */
const STEPS: Readonly<Record<string, number>> = { onnx: 400, wasm: 400, cpu: 30 };

/** The default run: the tiny preset, a recipe that is sized for a minute and a half. */
export function quickstartSettings(
  backend: string,
  options: QuickstartChoices,
): QuickstartSettings {
  const { seed, steps, initialization, shareAlike } = options;
  const updates = steps ?? STEPS[backend] ?? STEPS.cpu!;
  return {
    backend,
    config: preset('tiny'),
    recipe: pretrainRecipe({
      seed,
      steps: updates,
      mix: { text: 8, image: 8, pair: 8 },
      accumulate: 2,
      maxTextLength: 20,
      maxCaptionLength: 16,
      lr: 2e-3,
      minLr: 1e-5,
      warmupSteps: Math.ceil(updates / 12),
      maxGradientNorm: 3,
      initialization,
    }),
    codes: 128,
    codebookImages: 2000,
    glosses: 3000,
    shareAlike,
  };
}

/** The emoji that a quickstart learns from. */
export function emojiSource({
  config,
  recipe,
  glosses,
  shareAlike,
}: QuickstartSettings): EmojiSource {
  const size = config.imageSize[0];
  return { kind: 'emoji', seed: recipe.seed, size, languages: ['en'], glosses, shareAlike };
}
