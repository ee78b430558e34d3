import { join } from 'node:path';
import { disposeAll, modelConfig, PRESET_NAMES, type PresetName, preset } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { isShardName } from '@imglish/data/node';
import { type PretrainRecipe, pretrainRecipe, savePretrained } from '@imglish/pretrain';
import type { Progress } from '@imglish/train';
import { openRun, progress, stopOnSignals } from '@imglish/train/node';
import { type Command, Option } from 'commander';
import { openBackend } from '../model/backend.js';
import { readText } from '../model/read-file.js';
import { tokenizersFor } from '../model/tokenizers.js';
import { type EmojiSource, openTrainingData, type TrainingSource } from '../model/training-data.js';
import { ranksFor, runRanks } from '../ranks/run-ranks.js';
import { integer, parseJsonObject, positive } from './options.js';

interface PretrainCommandOptions {
  data: string[];
  texts?: string[];
  preset: PresetName;
  resolution?: number;
  out: string;
  recipe?: string;
  steps?: number;
  batch?: number;
  lr?: number;
  seed?: number;
  tokenizer?: string;
  codes: number;
  every: number;
  threads?: number;
  backend?: string;
  recompute?: boolean;
  json?: boolean;
}

/** `imglish pretrain`: masked data modelling on your own data or the emoji, with exact resume. */
export function registerPretrain(program: Command): void {
  program
    .command('pretrain')
    .description('pretrain by filling in blanks; run it again to go on where it stopped')
    .option(
      '--data <source...>',
      'captioned images (their folder, in any format that "prepare" reads; shards, "x/{000..009}.tar" or .parquet), "emoji", or several of them',
      ['emoji'],
    )
    .option('--texts <file...>', 'text files, a text per line; by default the captions')
    .addOption(
      new Option('--preset <name>', 'the model').choices([...PRESET_NAMES]).default('tiny'),
    )
    .option('--resolution <pixels>', 'side of the images; by default the preset’s', integer(1))
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
    .option('--every <steps>', 'steps between two checkpoints', integer(1), 100)
    .option('--threads <count>', 'processor threads to compute on; by default all', integer(1))
    .option('--recompute', 'compute activations again instead of keeping them: less memory')
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--json', 'for programs: progress as JSON lines')
    .action(run);
}

async function run(options: PretrainCommandOptions): Promise<void> {
  const json = options.json ?? false;
  const recipe = await recipeOf(options);
  const { resolution: side } = options;
  const size = side === undefined ? {} : { imageSize: [side, side] as [number, number] };
  const config = modelConfig({ ...preset(options.preset), ...size });
  const { backend } = await openBackend(options.backend, options.threads);
  const source = sourceOf(options, config.imageSize, recipe.seed);
  const data = await openTrainingData(source, options.texts);
  const ranks = ranksFor(backend, recipe.accumulate, options.threads);
  const trained = await tokenizersFor({
    directory: join(options.out, 'tokenizers'),
    config,
    data,
    seed: recipe.seed,
    codes: options.codes,
    json,
    ...(options.tokenizer ? { spm: options.tokenizer } : {}),
  });
  const { spm, codebook, ...tokenizers } = trained;
  const textFiles = options.texts ? { textFiles: options.texts } : {};
  const job = { backend: backend.name, config, recipe, source, spm, codebook, ...textFiles };
  const folder = await openRun(join(options.out, 'run'), {
    config: { model: config, recipe, source, ...textFiles },
    seed: recipe.seed,
    every: options.every,
  });
  const { signal, dispose } = stopOnSignals();
  try {
    const label = `pretraining on ${backend.name}`;
    let shown: Progress | undefined;
    const { parameters, step, stopped } = await runRanks(job, ranks, {
      ...(backend.compiler ? { compiler: backend.compiler } : {}),
      run: folder,
      signal,
      onStep: ({ step, losses }) => {
        shown ??= progress(label, recipe.steps, { json, start: step - 1 });
        shown.set(step, losses);
      },
    });
    shown?.finish();
    if (!stopped) {
      const directory = join(options.out, 'model');
      const model = { config, parameters, ...tokenizers };
      await savePretrained(fileDirectory(directory), model, { spm });
      console.log(json ? JSON.stringify({ steps: step, model: directory }) : `wrote ${directory}`);
    } else if (json) console.log(JSON.stringify({ steps: step, stopped: true }));
    else console.log(`stopped after step ${step}; run the same command again to go on`);
    disposeAll(parameters);
  } finally {
    dispose();
    await folder.close();
  }
}

function sourceOf(
  { data }: PretrainCommandOptions,
  size: [number, number],
  seed: number,
): TrainingSource {
  const sources = data.map((name) => {
    if (isShardName(name)) return { kind: 'shards' as const, names: name, size };
    if (name !== 'emoji') return { kind: 'folder' as const, directory: name };
    return emojiSource(size[0], seed);
  });
  return sources.length === 1 ? sources[0]! : { kind: 'several', sources };
}

function emojiSource(size: number, seed: number): EmojiSource {
  return { kind: 'emoji', seed, size, languages: ['en'], glosses: 10_000, shareAlike: true };
}

async function recipeOf(options: PretrainCommandOptions): Promise<PretrainRecipe> {
  const file = options.recipe;
  const given: Partial<PretrainRecipe> = file ? parseJsonObject(await readText(file), file) : {};
  const steps = options.steps ?? given.steps ?? 1000;
  const mixOf = (batch: number) => ({ text: batch, image: batch, pair: batch });
  return pretrainRecipe({
    mix: mixOf(8),
    accumulate: 2,
    initialization: 'fan-in',
    maxTextLength: 32,
    maxCaptionLength: 24,
    warmupSteps: Math.ceil(steps / 12),
    ...given,
    steps,
    ...(options.batch === undefined ? {} : { mix: mixOf(options.batch) }),
    ...(options.lr === undefined ? {} : { lr: options.lr }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.recompute ? { recompute: true } : {}),
  });
}
