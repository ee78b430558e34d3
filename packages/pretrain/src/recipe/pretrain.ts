import {
  backboneSpecs,
  type Compiler,
  type Dataset,
  type ImageExample,
  initializeParameters,
  type ModelConfig,
  type PairExample,
  type ParameterSpecs,
  type Parameters,
  type TextExample,
} from '@imglish/core';
import type { PreprocessorConfig, TextTokenizer, VisualTokenizer } from '@imglish/tokenizers';
import {
  type BatchSource,
  type Communicator,
  type OnStep,
  parameterGroups,
  type Run,
  type TrainResult,
  train,
  warmupCosine,
} from '@imglish/train';
import { type PretrainBatch, pretrainBatches } from '../batches/pretrain-batches.js';
import { requireCodebookFits } from '../bundle/model-fit.js';
import { maskedDataHeadSpecs } from '../objectives/masked-data-modelling.js';
import { pretrainLoss, slotsOf } from '../objectives/pretrain-loss.js';
import { withInitialization } from './initialization.js';
import type { PretrainRecipe } from './recipe.js';

/** What a model is pretrained on. */
export interface PretrainData {
  texts: Dataset<TextExample>;
  images: Dataset<ImageExample>;
  pairs: Dataset<PairExample>;
}

/** What reads the data; the visual tokenizer also says what is predicted of an image. */
export interface PretrainTokenizers {
  tokenizer: TextTokenizer;
  visualTokenizer: VisualTokenizer;
  preprocessor: Required<PreprocessorConfig>;
}

export interface PretrainOptions extends PretrainData, PretrainTokenizers {
  config: ModelConfig;
  recipe: PretrainRecipe;
  /** Where training begins; by default fresh parameters of the recipe's seed. Stays the caller's. */
  parameters?: Parameters;
  communicator?: Communicator;
  /** Checkpoints, log and resume. */
  run?: Run;
  signal?: AbortSignal;
  onStep?: OnStep;
  /** Compiles the steps; see `train`. */
  compiler?: Compiler;
}

/** Every parameter of a model with the heads of masked data modelling. */
export function pretrainSpecs(config: ModelConfig, codes: number): ParameterSpecs {
  return { ...backboneSpecs(config), ...maskedDataHeadSpecs(config, codes) };
}

/** The batches that a recipe makes of the data. */
export function recipeBatches(
  options: Pick<
    PretrainOptions,
    'config' | 'recipe' | keyof PretrainData | keyof PretrainTokenizers
  >,
): BatchSource<PretrainBatch> {
  const { recipe } = options;
  return pretrainBatches({
    ...options,
    seed: recipe.seed,
    mix: recipe.mix,
    ratios: recipe.ratios,
    maxTextLength: recipe.maxTextLength,
    maxCaptionLength: recipe.maxCaptionLength,
  });
}

/**
 * Pretrains a model by masked data modelling, as the recipe says. The caller owns the result; with
 * the recipe's `ema` its average is in there, too.
 *
 * With a `run` it goes on where the last checkpoint is, to the same bits. Throws what
 * `pretrainBatches` and `train` throw, and `config/codebook-size` for `parameters` with a head over
 * another codebook.
 */
export async function pretrain(options: PretrainOptions): Promise<TrainResult> {
  const { config, recipe, visualTokenizer } = options;
  const specs = pretrainSpecs(config, visualTokenizer.codes);
  if (options.parameters) {
    requireCodebookFits('pretrain', options.parameters, visualTokenizer.codes);
  }
  const fresh = options.parameters
    ? undefined
    : initializeParameters(withInitialization(specs, recipe.initialization), recipe.seed);
  try {
    return await train({
      parameters: options.parameters ?? fresh!,
      loss: pretrainLoss(config, { recompute: recipe.recompute }),
      batches: recipeBatches(options),
      steps: recipe.steps,
      accumulate: recipe.accumulate,
      schedule: warmupCosine({
        base: recipe.lr,
        final: recipe.minLr,
        steps: recipe.steps,
        warmupSteps: recipe.warmupSteps,
      }),
      groups: parameterGroups(specs, {
        weightDecay: recipe.weightDecay,
        layerDecay: recipe.layerDecay,
        layers: config.layers,
      }),
      weights: recipe.weights,
      counts: countsOf,
      maxGradientNorm: recipe.maxGradientNorm,
      ...(recipe.ema > 0 ? { ema: { decay: recipe.ema } } : {}),
      adamW: { beta1: recipe.beta1, beta2: recipe.beta2, epsilon: recipe.epsilon },
      ...(options.communicator ? { communicator: options.communicator } : {}),
      ...(options.run ? { run: options.run } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.onStep ? { onStep: options.onStep } : {}),
      ...(options.compiler ? { compiler: options.compiler } : {}),
    });
  } finally {
    for (const tensor of Object.values(fresh ?? {})) tensor.dispose();
  }
}

function countsOf(batch: PretrainBatch): Record<string, number> {
  return Object.fromEntries(
    Object.entries(slotsOf(batch)).map(([part, { count }]) => [part, count]),
  );
}
