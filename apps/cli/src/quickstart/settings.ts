import { type ModelConfig, type PresetName, preset } from '@imglish/core';
import { type Initialization, type PretrainRecipe, pretrainRecipe } from '@imglish/pretrain';
import type { EmojiSource } from '../model/training-data.js';

/** Everything that a quickstart depends on; the same settings give the same numbers. */
export interface QuickstartSettings {
  /** Name of the engine. */
  backend: string;
  preset: PresetName;
  config: ModelConfig;
  recipe: PretrainRecipe;
  /** Size of the visual codebook. */
  codes: number;
  /** Images that the codebook is learnt from. */
  codebookImages: number;
  /** WordNet glosses among the texts. */
  glosses: number;
  /** Of each picture. */
  captions: number;
  shareAlike: boolean;
  long: boolean;
}

/** What a user may choose. */
export interface QuickstartChoices {
  seed: number;
  steps?: number | undefined;
  initialization: Initialization;
  shareAlike: boolean;
  /** Trains until the image helps the words, instead of for a minute and a half. */
  long?: boolean;
}

type Run = Pick<PretrainRecipe, 'steps' | 'mix' | 'accumulate' | 'lr'> &
  Partial<Pick<PretrainRecipe, 'ratios' | 'weights'>> & { preset: PresetName };

const EVEN = { text: 8, image: 8, pair: 8 };
const ON_WASM: Run = { preset: 'tiny', steps: 400, mix: EVEN, accumulate: 2, lr: 2e-3 };

/** By engine, about 90 seconds on two cores; where steps are compiled, of a larger model. */
const RUNS: Readonly<Record<string, Run>> = {
  onnx: { preset: 'small', steps: 200, mix: EVEN, accumulate: 1, lr: 1e-3 },
  wasm: ON_WASM,
  cpu: { ...ON_WASM, steps: 30 },
};

/**
 * Pictures small enough to be seen some fifty times in a quarter of an hour. Captions are the plain
 * ones, what a picture shows and nothing else; most of their words are masked and most of the picture
 * is not, so that the picture has to tell them.
 */
const LONG: Run = {
  preset: 'tiny',
  steps: 4500,
  mix: { text: 8, image: 0, pair: 48 },
  accumulate: 1,
  lr: 2e-3,
  ratios: { text: 0.15, image: 0.25, pairText: 0.8 },
  weights: { text: 1, image: 1, pairText: 1, pairImage: 0.3 },
};

/** The default run, or the long one. */
export function quickstartSettings(
  backend: string,
  { seed, steps, initialization, shareAlike, long = false }: QuickstartChoices,
): QuickstartSettings {
  const run = long ? LONG : (RUNS[backend] ?? RUNS.cpu!);
  const { preset: name, ...recipe } = run;
  const updates = steps ?? run.steps;
  return {
    backend,
    preset: name,
    config: preset(name),
    recipe: pretrainRecipe({
      ...recipe,
      seed,
      steps: updates,
      maxTextLength: 20,
      maxCaptionLength: 16,
      minLr: 1e-5,
      warmupSteps: Math.ceil(updates / 12),
      maxGradientNorm: 3,
      initialization,
    }),
    codes: 128,
    codebookImages: 2000,
    glosses: 3000,
    captions: long ? 1 : 5,
    shareAlike,
    long,
  };
}

/** The emoji that a quickstart learns from. */
export function emojiSource({
  config,
  recipe,
  glosses,
  captions,
  shareAlike,
}: QuickstartSettings): EmojiSource {
  const size = config.imageSize[0];
  return {
    kind: 'emoji',
    seed: recipe.seed,
    size,
    languages: ['en'],
    captions,
    glosses,
    shareAlike,
  };
}
