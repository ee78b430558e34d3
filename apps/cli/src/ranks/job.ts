import {
  type Backend,
  type Compiler,
  ConfigError,
  disposeAll,
  type ModelConfig,
  type Parameters,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import {
  type BrokenRecord,
  beginPretraining,
  type PretrainData,
  type PretrainOptions,
  type PretrainRecipe,
  pretrain,
} from '@imglish/pretrain';
import { defaultPreprocessor, textTokenizer, visualTokenizer } from '@imglish/tokenizers';
import {
  type Communicator,
  describeWarning,
  type Guards,
  type Run,
  type StepMetrics,
  type StoredMoments,
} from '@imglish/train';
import type { VisualParts } from '../model/tokenizers.js';
import { openTrainingData, type TrainingSource } from '../model/training-data.js';
import type { BrokenFile } from './broken-file.js';

/** A pretraining run as data that can be sent to a thread. */
export interface PretrainJob {
  /** Name of the engine; every rank must use the same. */
  backend: string;
  config: ModelConfig;
  /** Its micro-batches are shared out among the ranks. */
  recipe: PretrainRecipe;
  source: TrainingSource;
  textFiles?: readonly string[];
  /** The text tokenizer as a file. */
  spm: Uint8Array;
  /** Of a model without one, nothing. */
  visual?: VisualParts | undefined;
  /** The directory of a model from whose parameters training goes on; fresh ones by default. */
  model?: string;
  /** Broken records that are passed over; see `pretrain`. */
  skipBroken?: number;
  /** Threads that decode pictures, of each rank. */
  decoders?: number;
  /** What every rank is watched for. */
  guards?: Guards;
  /** As what checkpoints store moments. */
  moments?: StoredMoments;
}

export interface RankOptions {
  communicator: Communicator;
  /** Compiles the steps; the engine then shares their work among threads of its own. */
  compiler?: Compiler;
  /** On rank 0 only. */
  run?: Run;
  signal?: AbortSignal;
  onStep?: (metrics: StepMetrics) => void;
  /** The data of the job where it is open already; it stays so. */
  data?: PretrainData;
  /** Those of the model that the job goes on from, where they are read already; they stay the caller's. */
  parameters?: Parameters;
  /** On rank 0 only. */
  broken?: BrokenFile;
}

export interface RankResult {
  /** Averaged, with the recipe's `ema`. The caller owns them. */
  parameters: Parameters;
  step: number;
  stopped: boolean;
}

/** What a job reads its data with. */
export function tokenizersOf(
  { config, spm, visual }: PretrainJob,
  backend: Pick<Backend, 'compiler'>,
): Pick<PretrainOptions, 'tokenizer' | 'visualTokenizer' | 'preprocessor'> {
  return {
    tokenizer: textTokenizer(spm),
    preprocessor: defaultPreprocessor(config.imageSize),
    ...(visual ? { visualTokenizer: visualTokenizer(visual.config, visual.tensors, backend) } : {}),
  };
}

/** Parameters of the model that a job goes on from. */
async function parametersOf({ model }: PretrainJob): Promise<Parameters | undefined> {
  if (!model) return undefined;
  const { parameters, visualTokenizer } = await beginPretraining(fileDirectory(model));
  await visualTokenizer?.dispose?.();
  return parameters;
}

/** Runs one rank of a job from its first step (or last checkpoint) to its end. */
export async function runRank(job: PretrainJob, options: RankOptions): Promise<RankResult> {
  const { config, recipe, source, textFiles, decoders, skipBroken, guards, moments } = job;
  const { compiler } = options;
  const tokenizers = tokenizersOf(job, compiler ? { compiler } : {});
  const { onStep, data, broken, parameters: given, ...rest } = options;
  const opened = data
    ? undefined
    : await openTrainingData(source, { textFiles, size: config.imageSize, decoders });
  const read = given ? undefined : await parametersOf(job);
  const parameters = given ?? read;
  try {
    const { state, stopped } = await pretrain({
      ...(data ?? opened!),
      ...tokenizers,
      ...(parameters ? { parameters } : {}),
      ...rest,
      ...guards,
      moments,
      // Of rank 0, the run tells.
      ...(rest.run ? {} : { onWarning: (warning) => console.error(describeWarning(warning)) }),
      ...(onStep ? { onStep } : {}),
      ...(skipBroken !== undefined ? { skipBroken } : {}),
      ...(broken ? { knownBroken: broken.known, onBroken: tellBroken(broken) } : {}),
      config,
      recipe: { ...recipe, accumulate: microBatches(recipe, options.communicator.size) },
    });
    for (const { m, v } of Object.values(state.moments)) disposeAll({ m, v });
    if (state.average) disposeAll(state.parameters);
    return { parameters: state.average ?? state.parameters, step: state.step, stopped };
  } finally {
    disposeAll(read ?? {});
    await tokenizers.visualTokenizer?.dispose?.();
    await opened?.close();
  }
}

/** Writes broken records down, and says so. */
function tellBroken(broken: BrokenFile) {
  return async (records: readonly BrokenRecord[]): Promise<void> => {
    for (const { step, message } of records) console.error(`step ${step} passed over ${message}`);
    await broken.append(records);
  };
}

/** Micro-batches that each of `ranks` computes in a step; throws `config/ranks` where they do not divide. */
export function microBatches({ accumulate }: PretrainRecipe, ranks: number): number {
  if (accumulate % ranks === 0) return accumulate / ranks;
  throw new ConfigError({
    code: 'config/ranks',
    where: 'pretrain',
    expected: `a number of threads that divides the ${accumulate} micro-batches of a step`,
    got: String(ranks),
    fix: "Change --threads or the recipe's `accumulate`.",
  });
}
