import {
  backboneSpecs,
  type Compiler,
  ConfigError,
  type Dataset,
  disposeAll,
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
  type Guards,
  type OnStep,
  parameterGroups,
  type Run,
  type StoredMoments,
  soloCommunicator,
  type TrainResult,
  train,
  warmupCosine,
} from '@imglish/train';
import { type PretrainBatch, pretrainBatches } from '../batches/pretrain-batches.js';
import type { ReadingOptions } from '../batches/sample-reader.js';
import { requireCodebookFits } from '../bundle/model-fit.js';
import { maskedDataHeadSpecs } from '../objectives/masked-data-modelling.js';
import {
  objectiveBatches,
  objectiveCounts,
  objectiveExchange,
  objectiveLoss,
  objectiveSpecs,
  partWeights,
} from '../objectives/mixture.js';
import { objectivesIn } from '../objectives/objectives.js';
import { type BrokenRecord, brokenRecords } from './broken-records.js';
import { withInitialization } from './initialization.js';
import type { PretrainRecipe } from './recipe.js';
import { waiting } from './waiting.js';

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

export interface PretrainOptions
  extends Guards,
    PretrainData,
    Omit<PretrainTokenizers, 'visualTokenizer'>,
    Partial<Pick<PretrainTokenizers, 'visualTokenizer'>> {
  config: ModelConfig;
  recipe: PretrainRecipe;
  /**
   * Where training begins, and stays the caller's; by default fresh parameters of the recipe's seed.
   * Heads that the objectives need and it lacks begin anew; others that it has are kept as they are.
   */
  parameters?: Parameters;
  communicator?: Communicator;
  /** Checkpoints, log and resume. */
  run?: Run;
  /** As what they store moments; see `train`. */
  moments?: StoredMoments | undefined;
  signal?: AbortSignal;
  onStep?: OnStep;
  /** Compiles the steps; see `train`. */
  compiler?: Compiler;
  /** Samples of each stream that are read and decoded before they are asked for, at most; default 32. */
  readAhead?: number;
  /**
   * Broken records (`data/…`, `image/…`) that the run passes over, the next sound one in their place,
   * before it ends with `data/too-many-broken`; by default the first one's error ends it. The same
   * record counts once.
   */
  skipBroken?: number;
  /** Is told of the broken records that a step met first, on rank 0, before the step is saved. */
  onBroken?: (records: readonly BrokenRecord[]) => void | Promise<void>;
  /** Broken records that the run was told of before it was interrupted: they are not told again. */
  knownBroken?: readonly BrokenRecord[];
}

/** Every parameter of a model with the heads of masked data modelling. */
export function pretrainSpecs(config: ModelConfig, codes: number): ParameterSpecs {
  return { ...backboneSpecs(config), ...maskedDataHeadSpecs(config, codes) };
}

/** The batches of masked data modelling that a recipe makes of the data. */
export function recipeBatches(
  options: Pick<
    PretrainOptions & PretrainTokenizers,
    'config' | 'recipe' | keyof PretrainData | keyof PretrainTokenizers
  >,
): BatchSource<PretrainBatch> {
  const reading = { window: options.recipe.window };
  return pretrainBatches({ ...options, ...dataSettings(options.recipe), reading });
}

/**
 * Pretrains a model by the objectives of the recipe, masked data modelling by default. The caller owns
 * the result.
 *
 * With a `run` it goes on where the last checkpoint is, to the same bits. With the recipe's `ema` its
 * average is in there, too. Samples are read ahead, several at once (`readAhead`). Throws what
 * `pretrainBatches` and `train` throw; `config/codebook-size` for `parameters` with a head over another
 * codebook, `config/parameters` for some without the whole backbone, and `config/objectives` where an
 * objective has not what it needs.
 */
export async function pretrain(options: PretrainOptions): Promise<TrainResult> {
  const { config, recipe, visualTokenizer, communicator = soloCommunicator() } = options;
  const { objectives, accumulate } = recipe;
  const specs = withInitialization(
    objectiveSpecs(objectives, config, visualTokenizer?.codes ?? 0),
    recipe.initialization,
  );
  requireSeveralPairs(recipe, communicator);
  const { mix, steps } = recipe;
  const { skipBroken = 0, readAhead = 32, onBroken, knownBroken } = options;
  const inStep = accumulate * communicator.size;
  const perStep = { text: inStep * mix.text, image: inStep * mix.image, pair: inStep * mix.pair };
  const reports = { most: skipBroken, known: knownBroken, onBroken };
  const broken = brokenRecords({ communicator, perStep, ...reports });
  const reading: ReadingOptions = {
    ...{ window: recipe.window, skipBroken, onBroken: broken.note },
    ahead: { samples: readAhead, stride: communicator.size, batches: steps * inStep, mix },
  };
  const onStep: OnStep = async (metrics, ...lent) => {
    if (skipBroken > 0) await broken.report(metrics.step);
    await options.onStep?.(metrics, ...lent);
  };
  const asked = waiting();
  const settings = {
    ...options,
    ...dataSettings(recipe),
    reading,
    texts: asked.watch('texts', options.texts),
    images: asked.watch('images', options.images),
    pairs: asked.watch('pairs', options.pairs),
  };
  const batches = objectiveBatches(objectives, settings);
  batches.waitingFor = asked.describe;
  const given = options.parameters ?? {};
  if (visualTokenizer && given['mim_head.weight'] && specs['mim_head.weight']) {
    requireCodebookFits('pretrain', given, visualTokenizer.codes);
  }
  const missing = Object.keys(specs).filter((name) => !given[name]);
  if (options.parameters) requireBackbone(missing);
  const fresh = initializeParameters(
    Object.fromEntries(missing.map((name) => [name, specs[name]!])),
    recipe.seed,
  );
  const known = Object.keys(specs).map((name) => [name, given[name] ?? fresh[name]!] as const);
  const parameters = { ...Object.fromEntries(known), ...given };
  try {
    return await train({
      parameters,
      loss: objectiveLoss(objectives, config, { recompute: recipe.recompute }),
      batches,
      steps: recipe.steps,
      accumulate,
      schedule: warmupCosine({
        base: recipe.lr,
        final: recipe.minLr,
        steps: recipe.steps,
        warmupSteps: recipe.warmupSteps,
      }),
      groups: parameterGroups(parameters, {
        weightDecay: recipe.weightDecay,
        layerDecay: recipe.layerDecay,
        layers: config.layers,
      }),
      weights: partWeights(objectives, recipe.weights),
      counts: objectiveCounts(objectives),
      exchange: objectiveExchange(objectives, settings, { accumulate, communicator }),
      maxGradientNorm: recipe.maxGradientNorm,
      adamW: { beta1: recipe.beta1, beta2: recipe.beta2, epsilon: recipe.epsilon },
      ...(recipe.ema > 0 ? { ema: { decay: recipe.ema } } : {}),
      communicator,
      moments: options.moments,
      ...{ norms: options.norms, patience: options.patience, onWarning: options.onWarning },
      ...(options.run ? { run: options.run } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
      onStep,
      ...(options.compiler ? { compiler: options.compiler } : {}),
    });
  } finally {
    disposeAll(fresh);
  }
}

/** What of a recipe decides its batches. */
function dataSettings({
  seed,
  mix,
  ratios,
  maxTextLength,
  maxCaptionLength,
}: PretrainRecipe): Pick<
  PretrainRecipe,
  'seed' | 'mix' | 'ratios' | 'maxTextLength' | 'maxCaptionLength'
> {
  return { seed, mix, ratios, maxTextLength, maxCaptionLength };
}

/** A pair alone has nothing to be told from. */
function requireSeveralPairs(recipe: PretrainRecipe, { size }: Communicator): void {
  const pairs = recipe.mix.pair * recipe.accumulate * size;
  const contrast = objectivesIn(recipe.objectives).find(({ features }) => features);
  if (!contrast || pairs > 1) return;
  throw new ConfigError({
    code: 'config/objectives',
    where: 'pretrain',
    expected: `at least 2 pairs in a step, for ${contrast.name}`,
    got: String(pairs),
  });
}

function requireBackbone(missing: readonly string[]): void {
  const ofBackbone = missing.filter((name) => name.startsWith('beit3.'));
  if (ofBackbone.length === 0) return;
  throw new ConfigError({
    code: 'config/parameters',
    where: 'pretrain',
    expected: 'parameters with the whole backbone of the configuration',
    got: `none for ${ofBackbone.join(', ')}`,
  });
}
