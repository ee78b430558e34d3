import { join } from 'node:path';
import type { Backend, Dataset, ImageExample } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { type CodebookEvent, type Teacher, trainVqKd, type VqKdRecipe } from '@imglish/pretrain';
import {
  saveVisualTokenizer,
  VQ_KD_PRESETS,
  type VqKdConfig,
  type VqKdPresetName,
  vqKdConfig,
  vqKdPreset,
} from '@imglish/tokenizers';
import type { Progress } from '@imglish/train';
import { type FolderRun, openRun, progress, stopOnSignals } from '@imglish/train/node';
import { type Command, Option } from 'commander';
import { openBackend } from '../model/backend.js';
import { openTrainingData, trainingSource } from '../model/training-data.js';
import { writeText } from '../model/write-file.js';
import { percent } from '../quickstart/report.js';
import { readHistory } from '../tasks/run-history.js';
import { type Comparison, compareCodes } from '../visual-tokenizer/compare.js';
import { visualTokenizerHtml } from '../visual-tokenizer/page.js';
import { type RecipeOptions, visualRecipe } from '../visual-tokenizer/recipe.js';
import { openTeacher } from '../visual-tokenizer/teacher.js';
import { integer, positive } from './options.js';
import { stoppedExitCode } from './run-options.js';

interface TrainVisualOptions extends RecipeOptions {
  data: string[];
  preset: VqKdPresetName;
  teacher: string;
  codes?: number;
  out: string;
  every: number;
  threads?: number;
  backend?: string;
  json?: boolean;
}

/** `imglish tokenizer train visual`: the codes that pictures are read as, learnt from a teacher. */
export function registerTokenizer(program: Command): void {
  program
    .command('tokenizer')
    .description('train what reads pictures as codes')
    .command('train')
    .description('train a tokenizer')
    .command('visual')
    .description('train a VQ-KD tokenizer; run it again to go on where it stopped')
    .option(
      '--data <source...>',
      'pictures: what "imglish pretrain --data" takes, "emoji" among them',
      ['emoji'],
    )
    .addOption(
      new Option('--preset <name>', 'sizes of the tokenizer')
        .choices([...VQ_KD_PRESETS])
        .default('small'),
    )
    .option(
      '--teacher <name>',
      'whose features codes tell: "pixels", "mobilenet" (package nsfwjs) or a model as FILE.onnx',
      'pixels',
    )
    .option('--codes <count>', 'size of the codebook; by default the preset’s', integer(2))
    .option('--out <directory>', 'tokenizer, checkpoints, log and report', 'runs/visual-tokenizer')
    .option('--recipe <file.json>', 'settings in place of the default ones')
    .option('--steps <count>', 'updates of the whole run', integer(1))
    .option('--batch <count>', 'pictures of an update', integer(1))
    .option('--lr <rate>', 'highest learning rate', positive)
    .option('--seed <number>', 'order and first weights', integer(0))
    .option('--every <steps>', 'steps between two checkpoints', integer(1), 100)
    .option('--threads <count>', 'processor threads to compute on; by default all', integer(1))
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--json', 'for programs: progress as JSON lines')
    .action(trainVisual);
}

async function trainVisual(options: TrainVisualOptions): Promise<void> {
  const recipe = await visualRecipe(options);
  const preset = vqKdPreset(options.preset);
  const side = preset.imageSize;
  const source = trainingSource(options.data, [side, side], recipe.seed);
  const { backend } = await openBackend(options.backend, options.threads);
  const teacher = await openTeacher(options.teacher, preset, backend, options.threads);
  const config: VqKdConfig = vqKdConfig({
    ...{ ...preset, teacherDim: teacher.dim, pixelDecoder: true },
    ...(options.codes === undefined ? {} : { codes: options.codes }),
  });
  const plan = { tokenizer: config, recipe, source, teacher: teacher.name };
  const opened = { backend, config, recipe, teacher };
  try {
    const data = await openTrainingData(source, {
      size: [side, side],
      onDamage: (message) => console.error(message),
    });
    try {
      const { out, every } = options;
      const run = await openRun(join(out, 'run'), { config: plan, seed: recipe.seed, every });
      try {
        await trainAndShow(options, { ...opened, images: data.images, run });
      } finally {
        await run.close();
      }
    } finally {
      await data.close();
    }
  } finally {
    await teacher.dispose?.();
  }
}

interface Opened {
  backend: Backend;
  config: VqKdConfig;
  recipe: VqKdRecipe;
  teacher: Teacher;
  images: Dataset<ImageExample>;
  run: FolderRun;
}

async function trainAndShow(
  { out, data, json = false }: TrainVisualOptions,
  { backend, config, recipe, teacher, images, run }: Opened,
): Promise<void> {
  const { signal, dispose } = stopOnSignals();
  let shown: Progress | undefined;
  const { tokenizer, step, stopped } = await trainVqKd({
    ...{ config, recipe, images, teacher, run, signal },
    ...(backend.compiler ? { compiler: backend.compiler } : {}),
    onStep({ step, losses }) {
      const label = `training the visual tokenizer on ${backend.name}`;
      shown ??= progress(label, recipe.steps, { json, start: step - 1 });
      shown.set(step, losses);
    },
    onUsage: (event) => tellUsage(event, json),
  }).finally(dispose);
  shown?.finish();
  try {
    if (stopped) {
      process.exitCode = stoppedExitCode(signal);
      if (json) console.log(JSON.stringify({ steps: step, stopped: true }));
      else console.log(`stopped after step ${step}; run the same command again to go on`);
      return;
    }
    const directory = join(out, 'tokenizer');
    await saveVisualTokenizer(fileDirectory(directory), tokenizer);
    const emoji = data.includes('emoji');
    const comparison = await compareCodes(tokenizer, images, { emoji, seed: recipe.seed });
    const { steps: metrics } = await readHistory(out);
    const report = join(out, 'report.html');
    const page = visualTokenizerHtml({ config, teacher: teacher.name, comparison, metrics });
    await writeText(report, page);
    tellResult({ steps: step, tokenizer: directory, report, comparison }, json);
  } finally {
    await tokenizer.dispose();
  }
}

function tellUsage(event: CodebookEvent, json: boolean): void {
  const { step, window, codes, used, dead, revived } = event;
  if (json) {
    const { perplexity } = event;
    const usage = { step, window, codes, used, perplexity, dead: dead.length, revived };
    console.log(JSON.stringify({ event: 'codebook-usage', ...usage }));
  } else if (dead.length > 0) {
    const end = revived > 0 ? 'they were given new directions' : 'they stay as they are';
    console.warn(
      `step ${step}: ${dead.length} of ${codes} codes had no use in the last ${window} steps; ${end}`,
    );
  }
}

interface Result {
  steps: number;
  tokenizer: string;
  report: string;
  comparison: Comparison;
}

function tellResult({ comparison, ...files }: Result, json: boolean): void {
  const { codes, used, perplexity, pictures } = comparison.usage;
  const { agreement, chance } = comparison.styles ?? {};
  if (json) {
    const usage = { codes, used, perplexity, pictures };
    console.log(JSON.stringify({ ...files, usage, agreement, chance }));
    return;
  }
  console.log(`wrote ${files.tokenizer}`);
  console.log(`${used} of ${codes} codes are in use (${percent(used / codes)})`);
  if (agreement !== undefined && chance !== undefined) {
    console.log(
      `of the codes of an emoji in two styles ${percent(agreement)} agree, by chance ${percent(chance)}`,
    );
  }
  console.log(`to look at: ${files.report}`);
}
