import {
  type Compiler,
  type Dataset,
  disposeAll,
  type ImageExample,
  initializeParameters,
  type Parameters,
} from '@imglish/core';
import { type HostTensor, type VqKdConfig, VqKdTokenizer, vqKdSpecs } from '@imglish/tokenizers';
import { type OnStep, type Run, type StepMetrics, trainLoop } from '@imglish/train';
import { vqKdBatches } from './batches.js';
import { compiledLearner } from './compiled-learner.js';
import { eagerLearner } from './learner.js';
import type { VqKdRecipe } from './recipe.js';
import { type CodebookEvent, learntPart, vqKdStepper } from './stepper.js';
import type { Teacher } from './teachers.js';

export interface TrainVqKdOptions {
  config: VqKdConfig;
  recipe: VqKdRecipe;
  images: Dataset<ImageExample>;
  /** What codes are to tell: its features are predicted from them. */
  teacher: Teacher;
  /** Checkpoints, log and resume. */
  run?: Run;
  signal?: AbortSignal;
  onStep?: OnStep;
  /** At the end of each window of the recipe; with `dead` codes it is a warning. */
  onUsage?: (event: CodebookEvent) => void;
  /** Compiles the steps, and what the tokenizer then computes. */
  compiler?: Compiler;
}

export interface VqKdTraining {
  tokenizer: VqKdTokenizer;
  /** Updates done. */
  step: number;
  /** Of the last step done by this call, if any. */
  metrics: StepMetrics | undefined;
  /** Whether `signal` ended it before the last step. */
  stopped: boolean;
}

/**
 * Trains a VQ-KD tokenizer. With a `run` it goes on where the last checkpoint is, to the same bits; a
 * checkpoint has every tensor of the tokenizer by its official name.
 *
 * Throws what `vqKdBatches` throws, and `train/not-finite` for a loss that is NaN or infinite.
 */
export async function trainVqKd(options: TrainVqKdOptions): Promise<VqKdTraining> {
  const { config, recipe, images, teacher, compiler, onUsage } = options;
  const { seed, batch, maxGradientNorm, weightDecay, beta1, beta2, epsilon } = recipe;
  const batches = vqKdBatches({ config, images, teacher, seed, batch });
  const learning = {
    ...{ weightDecay, beta1, beta2, epsilon },
    ...(maxGradientNorm === null ? {} : { maxGradientNorm }),
  };
  const parameters = initializeParameters(vqKdSpecs(config), seed);
  const begun = { parameters, batches, steps: recipe.steps };
  try {
    const { state, metrics, stopped } = await trainLoop(
      {
        ...begun,
        ...(options.run ? { run: options.run } : {}),
        ...(options.signal ? { signal: options.signal } : {}),
        ...(options.onStep ? { onStep: options.onStep } : {}),
        ...(compiler ? { compiler } : {}),
      },
      async (begin) => {
        const learnt = learntPart(begin);
        const learner = await (compiler
          ? compiledLearner(compiler, config, learnt, learning)
          : eagerLearner(config, learnt, learning));
        return vqKdStepper({ config, recipe, batches, learner, begin, onUsage });
      },
    );
    for (const { m, v } of Object.values(state.moments)) disposeAll({ m, v });
    const tensors = await hostTensors(state.parameters).finally(() => disposeAll(state.parameters));
    const tokenizer = new VqKdTokenizer(config, tensors, compiler ? { compiler } : {});
    return { tokenizer, step: state.step, metrics, stopped };
  } finally {
    disposeAll(parameters);
  }
}

async function hostTensors(parameters: Parameters): Promise<Record<string, HostTensor>> {
  const tensors: Record<string, HostTensor> = {};
  for (const [name, value] of Object.entries(parameters)) {
    tensors[name] = { shape: value.shape, data: (await value.data<'float32'>()).slice() };
  }
  return tensors;
}
