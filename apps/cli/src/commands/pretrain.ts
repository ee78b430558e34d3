import { join } from 'node:path';
import {
  disposeAll,
  modelConfig,
  PRESET_NAMES,
  type PresetName,
  preset,
  soundDataset,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import type { MpiCommunicator } from '@imglish/mpi/node';
import {
  beginPretraining,
  OBJECTIVE_NAMES,
  type ObjectiveWeights,
  PAPER_RECIPE,
  type PretrainBeginning,
  type PretrainData,
  type PretrainRecipe,
  pretrainRecipe,
  savePretrained,
  streamsIn,
} from '@imglish/pretrain';
import type { Progress } from '@imglish/train';
import { progress, stopOnSignals } from '@imglish/train/node';
import { type Command, Option } from 'commander';
import { openBackend } from '../model/backend.js';
import { readText } from '../model/read-file.js';
import { partsOf, tokenizersFor, type VisualParts } from '../model/tokenizers.js';
import { openTrainingData, trainingSource } from '../model/training-data.js';
import { writeText } from '../model/write-file.js';
import { openBrokenFile } from '../ranks/broken-file.js';
import type { PretrainJob } from '../ranks/job.js';
import { assertThreads, launchedRecipe, onLaunchedRanks } from '../ranks/launched.js';
import { ranksFor, runRanks } from '../ranks/run-ranks.js';
import { pretrainReport } from '../report/pretrain-report.js';
import { RUN_FILES, readHistory } from '../tasks/run-history.js';
import { objectiveOption } from './objectives-option.js';
import { integer, parseJsonObject, positive, refuseOptions, share } from './options.js';
import {
  addRunOptions,
  guardsOf,
  openWatchedRun,
  type RunOptions,
  stoppedExitCode,
} from './run-options.js';

interface PretrainCommandOptions extends RunOptions {
  data: string[];
  texts?: string[];
  preset: PresetName;
  resolution?: number;
  model?: string;
  objective?: ObjectiveWeights;
  out: string;
  recipe?: string;
  steps?: number;
  batch?: number;
  lr?: number;
  seed?: number;
  tokenizer?: string;
  codes: number;
  visualTokenizer?: string;
  ema?: number;
  accumulate?: number;
  dropPath?: number;
  threads?: number;
  window?: number;
  skipBroken: number;
  decoders?: number;
  backend?: string;
  recompute?: boolean;
  json?: boolean;
}

/** `imglish pretrain`: any mixture of objectives on your own data or the emoji, with exact resume. */
export function registerPretrain(program: Command): void {
  addRunOptions(program.command('pretrain'))
    .description(
      'pretrain by filling in blanks, or by other objectives; run it again to go on where it stopped',
    )
    .option(
      '--data <source...>',
      'captioned images (their folder, in any format that "prepare" reads; shards, "x/{000..009}.tar", .tar.gz or .parquet, or a folder that "shards" wrote), "emoji", or several of them',
      ['emoji'],
    )
    .option('--texts <file...>', 'text files, a text per line; by default the captions')
    .addOption(
      new Option('--preset <name>', 'the model').choices([...PRESET_NAMES]).default('tiny'),
    )
    .option('--resolution <pixels>', 'side of the images; by default the preset’s', integer(1))
    .option('--model <directory>', 'goes on from this model, pretrained or tuned')
    .option(
      '--objective <name[=weight]>',
      `what is learnt by, once for each: ${OBJECTIVE_NAMES.join(', ')}; by default the first`,
      objectiveOption,
    )
    .option('--out <directory>', 'checkpoints, log and the finished model', 'runs/pretrain')
    .option('--recipe <file.json>', 'settings in place of the paper’s')
    .option('--steps <count>', 'updates of the whole run', integer(1))
    .option(
      '--batch <count>',
      'texts, images and pairs of a micro-batch, so many of each; by default 8',
      integer(1),
    )
    .option('--lr <rate>', 'highest learning rate', positive)
    .option('--seed <number>', 'order, masks and first weights', integer(0))
    .option('--tokenizer <file.spm>', 'text tokenizer; by default one is trained on the texts')
    .option('--codes <count>', 'size of the visual codebook', integer(2), 128)
    .option(
      '--visual-tokenizer <directory>',
      'what "tokenizer train visual" wrote; by default mean patches are learnt',
    )
    .option('--threads <count>', 'processor threads to compute on; by default all', integer(1))
    .option(
      '--window <count>',
      'neighbours that are mixed with each other; by default 4096 of shards, all of other data',
      integer(0),
    )
    .option(
      '--skip-broken <count>',
      'records that cannot be used and are passed over before the run ends with an error',
      integer(0),
      100,
    )
    .option(
      '--decoders <count>',
      'threads that decode pictures; by default one less than processors',
      integer(1),
    )
    .option('--accumulate <count>', 'micro-batches of an update; by default 2', integer(1))
    .option('--drop-path <share>', 'stochastic depth of the last layer; by default none', share)
    .option('--ema <decay>', 'keeps the moving average of the parameters, such as 0.999', share)
    .option('--recompute', 'compute activations again instead of keeping them: less memory')
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--json', 'for programs: progress as JSON lines')
    .action((options: PretrainCommandOptions, command: Command) => {
      if (options.model) refuseOptions(command, OF_THE_MODEL, 'with --model');
      if (options.visualTokenizer) refuseOptions(command, ['codes'], 'with --visual-tokenizer');
      return onLaunchedRanks(options.threads, (launch) => run(options, launch));
    });
}

/** What a model that is gone on from says itself. */
const OF_THE_MODEL = ['preset', 'resolution', 'tokenizer', 'codes', 'visualTokenizer'];

async function run(
  options: PretrainCommandOptions,
  launch: MpiCommunicator | undefined,
): Promise<void> {
  const json = options.json ?? false;
  const recipe = launchedRecipe(await recipeOf(options), launch);
  const { resolution: side } = options;
  const size = side === undefined ? {} : { imageSize: [side, side] as [number, number] };
  const depth = options.dropPath === undefined ? {} : { dropPathRate: options.dropPath };
  const { backend } = await openBackend(options.backend, options.threads ?? launch?.threads);
  const begun = options.model ? await readBeginning(options.model) : undefined;
  const whole = begun?.config ?? { ...preset(options.preset), ...size };
  const config = modelConfig({ ...whole, ...depth });
  const source = trainingSource(options.data, config.imageSize, recipe.seed);
  if (launch) assertThreads(backend, options.threads);
  const ranks = launch ?? ranksFor(backend, recipe.accumulate, options.threads);
  const { skipBroken, decoders, texts: textFiles } = options;
  const data = await openTrainingData(source, {
    ...{ textFiles, size: config.imageSize, decoders },
    onDamage: (message) => console.error(message),
  });
  try {
    const trained =
      begun ??
      (await tokenizersFor({
        directory: join(options.out, 'tokenizers'),
        config,
        data: soundData(data, skipBroken),
        seed: recipe.seed,
        codes: options.codes,
        backend,
        json,
        ...(options.tokenizer ? { spm: options.tokenizer } : {}),
        ...(options.visualTokenizer ? { visual: options.visualTokenizer } : {}),
      }));
    const { spm, visual, visualTokenizer, preprocessor } = trained;
    const from = options.model ? { model: options.model } : {};
    const given = { ...(textFiles && { textFiles }) };
    const label = `pretraining on ${backend.name}`;
    const plan = {
      ...{ out: options.out, title: label, seed: recipe.seed, steps: recipe.steps },
      config: {
        model: config,
        recipe,
        source,
        ...given,
        ...(from.model ? { from: from.model } : {}),
      },
    };
    const folder = await openWatchedRun(plan, options);
    const { signal, dispose } = stopOnSignals();
    try {
      const broken = await openBrokenFile(folder.dir);
      let shown: Progress | undefined;
      const job: PretrainJob = {
        ...{ backend: backend.name, config, recipe, source, spm, visual, skipBroken, ...given },
        ...from,
        ...(decoders !== undefined && { decoders }),
        ...{ guards: guardsOf(options), moments: options.moments },
      };
      const { parameters, step, stopped } = await runRanks(job, ranks, {
        ...(backend.compiler ? { compiler: backend.compiler } : {}),
        ...{ run: folder, signal, data, broken },
        ...(begun ? { parameters: begun.parameters } : {}),
        onStep: ({ step, losses }) => {
          shown ??= progress(label, recipe.steps, { json, start: step - 1 });
          shown.set(step, losses);
        },
      });
      shown?.finish();
      const passedOver = broken.count(step);
      if (passedOver > 0 && !json) {
        console.error(`passed over ${passedOver} broken records: ${broken.path}`);
      }
      const counted = passedOver > 0 ? { steps: step, broken: passedOver } : { steps: step };
      if (stopped) process.exitCode = stoppedExitCode(signal);
      if (!stopped) {
        const directory = join(options.out, 'model');
        const model = { config, parameters, preprocessor, visualTokenizer };
        await savePretrained(fileDirectory(directory), model, { spm });
        await writeCurves(options.out, recipe);
        console.log(json ? JSON.stringify({ ...counted, model: directory }) : `wrote ${directory}`);
      } else if (json) console.log(JSON.stringify({ ...counted, stopped: true }));
      else console.log(`stopped after step ${step}; run the same command again to go on`);
      disposeAll(parameters);
    } finally {
      dispose();
      await folder.close();
    }
  } finally {
    await data.close();
    disposeAll(begun?.parameters ?? {});
  }
}

/** A model to go on from, with its visual tokenizer as the ranks are sent it. */
async function readBeginning(
  directory: string,
): Promise<PretrainBeginning & { visual?: VisualParts }> {
  const begun = await beginPretraining(fileDirectory(directory));
  const { visualTokenizer } = begun;
  return { ...begun, ...(visualTokenizer ? { visual: partsOf(visualTokenizer) } : {}) };
}

/** Writes the learning curves of a run beside it. */
async function writeCurves(out: string, recipe: PretrainRecipe): Promise<void> {
  const { steps } = await readHistory(out);
  await writeText(join(out, RUN_FILES.report), pretrainReport(recipe, steps));
}

/** What tokenizers are trained on: every example that cannot be used is another one's place. */
function soundData({ texts, images, pairs }: PretrainData, most: number): PretrainData {
  return {
    texts: soundDataset(texts, most),
    images: soundDataset(images, most),
    pairs: soundDataset(pairs, most),
  };
}

async function recipeOf(options: PretrainCommandOptions): Promise<PretrainRecipe> {
  const file = options.recipe;
  const given: Partial<PretrainRecipe> = file ? parseJsonObject(await readText(file), file) : {};
  const steps = options.steps ?? given.steps ?? 1000;
  const { objective: objectives = given.objectives } = options;
  const read = streamsIn(objectives ?? PAPER_RECIPE.objectives);
  const mixOf = (batch: number) => ({
    text: read.has('text') ? batch : 0,
    image: read.has('image') ? batch : 0,
    pair: read.has('pair') ? batch : 0,
  });
  return pretrainRecipe({
    mix: mixOf(8),
    accumulate: 2,
    initialization: 'fan-in',
    maxTextLength: 32,
    maxCaptionLength: 24,
    warmupSteps: Math.ceil(steps / 12),
    ...given,
    ...(objectives ? { objectives } : {}),
    steps,
    ...(options.batch === undefined ? {} : { mix: mixOf(options.batch) }),
    ...(options.lr === undefined ? {} : { lr: options.lr }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.accumulate === undefined ? {} : { accumulate: options.accumulate }),
    ...(options.ema === undefined ? {} : { ema: options.ema }),
    ...(options.recompute ? { recompute: true } : {}),
    ...(options.window === undefined ? {} : { window: options.window }),
  });
}
