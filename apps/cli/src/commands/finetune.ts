import { join } from 'node:path';
import { type Backend, disposeAll, type Parameters } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import {
  beginTask,
  type FineTuningRecipe,
  findTask,
  fineTune,
  fineTuningRecipe,
  loadTaskModel,
  plannedSteps,
  saveTaskModel,
  TASK_NAMES,
  type Task,
  type ValidationScore,
} from '@imglish/tasks';
import type { Progress } from '@imglish/train';
import { progress, stopOnSignals } from '@imglish/train/node';
import { Argument, type Command } from 'commander';
import { openBackend } from '../model/backend.js';
import { readText } from '../model/read-file.js';
import { augmentOf } from '../tasks/augment.js';
import { subjectOf, writeReport } from '../tasks/report-file.js';
import { RUN_FILES, readHistory } from '../tasks/run-history.js';
import { scoreModel } from '../tasks/score-model.js';
import { openScores } from '../tasks/scores.js';
import { metricLines } from '../tasks/show.js';
import { openDataOf } from '../tasks/task-data.js';
import { integer, parseJsonObject, positive, share } from './options.js';
import {
  addRunOptions,
  guardsOf,
  openWatchedRun,
  type RunOptions,
  stoppedExitCode,
} from './run-options.js';

interface FinetuneOptions extends RunOptions {
  model: string;
  data: string;
  out: string;
  split: string;
  validation?: string;
  validationLimit: number;
  recipe?: string;
  epochs?: number;
  steps?: number;
  batch?: number;
  accumulate?: number;
  lr?: number;
  layerDecay?: number;
  resolution?: number;
  freeze?: string[];
  linearProbe?: boolean;
  lora?: number;
  seed?: number;
  augment: boolean;
  blind?: boolean;
  blindModel?: string;
  ema?: number;
  dropPath?: number;
  recompute?: boolean;
  evaluateEvery?: number;
  threads?: number;
  backend?: string;
  json?: boolean;
}

/** `imglish finetune`: a model for a task, from a pretrained one or that of another task. */
export function registerFinetune(program: Command): void {
  addRunOptions(program.command('finetune'))
    .description('tune a model for a task; run it again to go on where it stopped')
    .addArgument(new Argument('<task>', 'what for').choices([...TASK_NAMES]))
    .requiredOption(
      '--model <directory>',
      'where it begins: a pretrained model, or one of any task',
    )
    .requiredOption('--data <directory>', 'a data set in one of the official layouts')
    .requiredOption('--out <directory>', 'checkpoints, log, scores and the best model')
    .option('--split <name>', 'split to learn from', 'train')
    .option('--validation <name>', 'split by which the best model is kept; without one, the last')
    .option('--validation-limit <count>', 'examples of it that are looked at', integer(1), 500)
    .option('--recipe <file.json>', 'settings in place of the official ones')
    .option('--epochs <count>', 'times through the data; by default the recipe’s', positive)
    .option('--steps <count>', 'updates of the whole run, in place of epochs', integer(1))
    .option('--batch <count>', 'samples of an update', integer(1))
    .option('--accumulate <count>', 'parts that a batch is computed in', integer(1))
    .option('--lr <rate>', 'highest learning rate', positive)
    .option('--layer-decay <factor>', 'of the learning rate, per layer of depth', positive)
    .option('--resolution <pixels>', 'side of the images; positions are resized', integer(1))
    .option('--freeze <patterns...>', 'parameters that stay; * stands for any characters')
    .option('--linear-probe', 'tunes the head alone')
    .option('--lora <rank>', 'tunes low-rank additions to self-attention, and the head', integer(1))
    .option('--recompute', 'compute activations again instead of keeping them: less memory')
    .option('--seed <number>', 'order, augmentation, masks and new parameters', integer(0))
    .option('--no-augment', 'images as they are')
    .option('--blind', 'grey in the place of every image: what the text alone tells')
    .option('--blind-model <path>', 'a model tuned with --blind, or its scores, to compare with')
    .option('--drop-path <share>', 'stochastic depth of the last layer', share)
    .option('--ema <decay>', 'scores and keeps the moving average of the parameters', share)
    .option('--evaluate-every <steps>', 'by default a tenth of the run', integer(1))
    .option('--threads <count>', 'processor threads to compute on; by default all', integer(1))
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--json', 'for programs: progress as JSON lines')
    .action(run);
}

async function run(name: string, options: FinetuneOptions): Promise<void> {
  const json = options.json ?? false;
  const say = (line: string) => json || console.log(line);
  const task = findTask(name);
  const { backend } = await openBackend(options.backend, options.threads);
  const dataOptions = { blind: options.blind };
  const training = await openDataOf(task, options.data, options.split, {
    ...dataOptions,
    forTraining: true,
  });
  const begun = await beginTask(fileDirectory(options.model), task, {
    labels: training.labels,
    ...(options.resolution ? { imageSize: [options.resolution, options.resolution] } : {}),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  });
  const { reader, spm, initialised, ignored, resized } = begun;
  const recipe = fineTuningRecipe(task, reader.config, await changesOf(options));
  const { steps } = plannedSteps(recipe, training.data.size, options.steps);
  say(`${task.name}: ${training.data.size} examples, ${steps} steps of ${recipe.batch}`);
  if (initialised.length > 0) say(`begin anew: ${initialised.join(', ')}`);
  if (ignored.length > 0) say(`not used: ${ignored.join(', ')}`);
  if (resized.length > 0) say(`resized: ${resized.join(', ')}`);
  const { model, data, split, freeze = [], linearProbe = false, lora = 0, blind = false } = options;
  const label = `tuning on ${backend.name}`;
  const config = {
    ...{ task: task.name, model, data, split, blind, steps, freeze, linearProbe, lora },
    recipe: { ...recipe },
  };
  const plan = {
    out: options.out,
    title: `${task.name}, ${label}`,
    config,
    seed: recipe.seed,
    steps,
  };
  const folder = await openWatchedRun(plan, options);
  const { signal, dispose } = stopOnSignals();
  const target = join(options.out, RUN_FILES.model);
  const scores = await openScores(join(options.out, RUN_FILES.scores));
  const save = (parameters: Parameters) =>
    saveTaskModel(
      fileDirectory(target),
      task,
      { reader, parameters },
      { spm, card: card(name, options, recipe, steps) },
    );
  try {
    const validation = options.validation
      ? await openDataOf(task, options.data, options.validation, {
          ...dataOptions,
          labels: reader.labels,
        })
      : undefined;
    let shown: Progress | undefined;
    const done = await fineTune({
      task,
      reader,
      recipe,
      parameters: begun.parameters,
      data: training.data,
      augment: options.augment ? augmentOf(recipe, reader) : undefined,
      steps,
      freeze,
      linearProbe,
      lora: lora > 0 ? { rank: lora } : undefined,
      validation: validation && {
        data: validation.data,
        limit: options.validationLimit,
        every: options.evaluateEvery,
        best: () => scores.best,
        onScore: async (score: ValidationScore, parameters) => {
          await scores.add(score);
          const line = metricLines(score.metrics).join('  ').replaceAll(/ +/g, ' ');
          if (json) console.log(JSON.stringify({ score }));
          else console.log(`\nstep ${score.step}: ${line}${score.best ? ' (best)' : ''}`);
          if (score.best) await save(parameters);
        },
      },
      run: {
        ...folder,
        async restore(compiler) {
          const state = await folder.restore(compiler);
          await scores.cutAfter(state?.step ?? 0);
          return state;
        },
      },
      ...guardsOf(options),
      moments: options.moments,
      signal,
      compiler: backend.compiler,
      onStep: ({ step, losses }) => {
        shown ??= progress(label, steps, { json, start: step - 1 });
        shown.set(step, losses);
      },
    });
    shown?.finish();
    if (!done.stopped && !validation) await save(done.parameters);
    disposeAll(done.parameters);
    const result = { steps: done.step, stopped: done.stopped, model: target };
    if (done.stopped) process.exitCode = stoppedExitCode(signal);
    if (done.stopped) say(`stopped after step ${done.step}; run it again to go on`);
    else {
      const report = await reportOn(task, backend, options);
      say(`wrote ${target} and ${report}`);
    }
    if (json) console.log(JSON.stringify(result));
  } finally {
    disposeAll(begun.parameters);
    dispose();
    await folder.close();
  }
}

/** Writes the report of the model that was kept; without validation, on what it learnt from. */
async function reportOn(task: Task, backend: Backend, options: FinetuneOptions): Promise<string> {
  const { out, blind = false, blindModel, validationLimit, json = false } = options;
  const split = options.validation ?? options.split;
  const file = join(out, RUN_FILES.report);
  const model = await loadTaskModel(fileDirectory(join(out, RUN_FILES.model)), task, backend);
  try {
    const scored = await scoreModel(task, model, backend, {
      ...{ data: options.data, split, training: options.split, limit: validationLimit },
      ...{ blind, blindModel, json },
    });
    const { count } = scored.evaluation;
    await writeReport(file, {
      ...{ task, labels: model.labels, ...scored },
      subject: subjectOf({
        ...options,
        model: join(out, RUN_FILES.model),
        split,
        count,
        backend: backend.name,
      }),
      data: (await openDataOf(task, options.data, split)).data,
      history: await readHistory(out),
    });
    return file;
  } finally {
    await model.dispose();
  }
}

async function changesOf(options: FinetuneOptions): Promise<Partial<FineTuningRecipe>> {
  const file = options.recipe;
  const ofFile: Partial<FineTuningRecipe> = file ? parseJsonObject(await readText(file), file) : {};
  const { epochs, batch, accumulate, lr, layerDecay, seed, ema, dropPath, recompute } = options;
  const given = Object.entries({
    ...{ epochs, batch, accumulate, lr, layerDecay, seed, ema, dropPath, recompute },
  });
  return {
    ...ofFile,
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    ...(options.augment ? {} : { augmentation: 'none' as const }),
  };
}

function card(
  task: string,
  { model, data, split }: FinetuneOptions,
  recipe: FineTuningRecipe,
  steps: number,
): string {
  return `# ${task}

Tuned with \`imglish finetune ${task} --model ${model} --data ${data}\` on the split ${split}, ${steps} steps.

\`\`\`json
${JSON.stringify(recipe, null, 2)}
\`\`\`
`;
}
