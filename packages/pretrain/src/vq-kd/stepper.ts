import {
  assignmentOf,
  type Codebook,
  type CodebookUsage,
  codebookUsage,
  emaUpdate,
  isLearntByGradient,
  kMeansStarts,
  reviveCodes,
  sphericalKMeans,
  type VqKdConfig,
} from '@imglish/tokenizers';
import {
  assertFinite,
  type Batch,
  type BatchSource,
  type StateSource,
  type Stepper,
  tensorsOf,
  type ValueSource,
  warmupCosine,
} from '@imglish/train';
import { dispose } from '@tensorflow/tfjs-core';
import type { VqKdLearner } from './learner.js';
import type { VqKdBatch } from './objective.js';
import type { VqKdRecipe } from './recipe.js';

/** How the codebook was used in the last window of steps; its `dead` codes had no use at all. */
export interface CodebookEvent extends CodebookUsage {
  /** Updates done. */
  readonly step: number;
  /** Steps that were looked at. */
  readonly window: number;
  /** Dead codes that were given a new direction. */
  readonly revived: number;
}

const PREFIX = 'quantize.';
const ITERATIONS = 10;

/** The codebook of a run, all of which is in its checkpoints. */
interface KeptCodebook extends Codebook {
  /** 1 once k-means has given it its start. */
  readonly initted: Float32Array;
  /** Vectors of each code in the last iteration of k-means. */
  readonly startCounts: Float32Array;
}

export interface VqKdStepperOptions {
  config: VqKdConfig;
  recipe: VqKdRecipe;
  batches: BatchSource<VqKdBatch & Batch>;
  learner: VqKdLearner;
  /** Whose tensors named `quantize.…` are the codebook. */
  begin: StateSource;
  onUsage?: ((event: CodebookEvent) => void) | undefined;
}

/**
 * Updates of `trainLoop`: gradients are the learner's, the codebook is kept here, on the host. Its start
 * is k-means on the vectors of the first images; after each update it is moved on with vectors and
 * codes from before, and at the end of each window its use is reported and dead codes are revived.
 */
export async function vqKdStepper(
  options: VqKdStepperOptions,
): Promise<Stepper<VqKdBatch & Batch>> {
  const { config, recipe, learner, onUsage } = options;
  const codebook = await codebookIn(config, options.begin);
  const schedule = warmupCosine({
    ...{ base: recipe.lr, final: recipe.minLr },
    ...{ steps: recipe.steps, warmupSteps: recipe.warmupSteps },
  });

  const endWindow = (step: number, z: Float32Array): void => {
    const usage = codebookUsage(codebook.clusterSize);
    const last = step === recipe.steps;
    const revived = recipe.revive && !last ? usage.dead : [];
    reviveCodes(codebook, revived, z, { seed: recipe.seed, step });
    const window = step % recipe.window || recipe.window;
    onUsage?.({ step, window, ...usage, revived: revived.length });
    if (!last) codebook.clusterSize.fill(0);
  };

  const state = (): StateSource => {
    const learnt = learner.state();
    return { ...learnt, parameters: { ...learnt.parameters, ...sourcesOf(codebook) } };
  };
  return {
    state,
    async step([indexed]) {
      const { batch } = indexed!;
      if (codebook.initted[0] === 0) await startCodebook(codebook, options);
      const before = learner.state().step;
      const lr = schedule(before);
      const done = await learner.update(batch, codebook.rows, lr);
      const { distillation, commitment, pixels, gradientNorm, z, codes } = done;
      const losses = { distillation, commitment, ...(pixels === undefined ? {} : { pixels }) };
      const step = before + 1;
      await assertFinite(step, losses, gradientNorm, {
        parameter: async () => undefined,
        gradient: async () => undefined,
      });
      emaUpdate(codebook, assignmentOf(z, codes, codebook), { decay: recipe.decay });
      if (step % recipe.window === 0 || step === recipe.steps) endWindow(step, z);
      return {
        step,
        losses,
        counts: Object.fromEntries(Object.keys(losses).map((stream) => [stream, codes.length])),
        total: Object.values(losses).reduce((sum, loss) => sum + loss, 0),
        lr,
        gradientNorm,
        samples: batch.size,
      };
    },
    async lend() {
      const { parameters } = await tensorsOf({ ...state(), moments: {} });
      return { parameters, giveBack: () => dispose(parameters) };
    },
    async finish() {
      const tensors = await tensorsOf(state());
      await learner.dispose();
      return tensors;
    },
    dispose: () => learner.dispose(),
  };
}

/** k-means on the normalised vectors of the first batches. */
async function startCodebook(
  codebook: KeptCodebook,
  { config, recipe, batches, learner }: VqKdStepperOptions,
): Promise<void> {
  const parts: Float32Array[] = [];
  for (let i = 0; i * recipe.batch < recipe.startImages; i++) {
    const { patches, target } = await batches(i);
    try {
      parts.push(await learner.encode(patches));
    } finally {
      dispose([patches, target]);
    }
  }
  const z = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    z.set(part, at);
    at += part.length;
  }
  const starts = kMeansStarts(z.length / config.codeDim, config.codes, recipe.seed);
  const { means, counts } = sphericalKMeans(z, config.codeDim, starts, ITERATIONS);
  codebook.rows.set(means);
  codebook.startCounts.set(counts);
  codebook.initted[0] = 1;
}

/** The part of a state that gradients reach. */
export function learntPart(state: StateSource): StateSource {
  const learnt = Object.entries(state.parameters).filter(([name]) => isLearntByGradient(name));
  return { ...state, parameters: Object.fromEntries(learnt) };
}

async function codebookIn(
  { codes, codeDim }: VqKdConfig,
  { parameters }: StateSource,
): Promise<KeptCodebook> {
  const read = async (name: string): Promise<Float32Array> =>
    (await parameters[`${PREFIX}${name}`]!.read()).slice();
  return {
    codes,
    codeDim,
    rows: await read('embedding.weight'),
    clusterSize: await read('cluster_size'),
    initted: await read('embedding.initted'),
    startCounts: await read('embedding.cluster_size'),
  };
}

/** The codebook by official names; `embed_avg` takes no part in anything, there as here. */
function sourcesOf(codebook: KeptCodebook): Record<string, ValueSource> {
  const { codes, codeDim, rows, clusterSize, initted, startCounts } = codebook;
  const source = (shape: number[], values: Float32Array): ValueSource => ({
    shape,
    read: async () => values.slice(),
  });
  return {
    [`${PREFIX}cluster_size`]: source([codes], clusterSize),
    [`${PREFIX}embedding.weight`]: source([codes, codeDim], rows),
    [`${PREFIX}embedding.cluster_size`]: source([codes], startCounts),
    [`${PREFIX}embedding.embed_avg`]: source([codes, codeDim], new Float32Array(codes * codeDim)),
    [`${PREFIX}embedding.initted`]: source([1], initted),
  };
}
