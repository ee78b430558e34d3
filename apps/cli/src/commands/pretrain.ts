import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Dataset,
  disposeAll,
  type ImageExample,
  modelConfig,
  type PairExample,
  PRESET_NAMES,
  type PresetName,
  preset,
  type TextExample,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { mapDataset } from '@imglish/data';
import { openCaptionFolder, openTextFiles } from '@imglish/data/node';
import { emojiCorpus, emojiPairs } from '@imglish/emoji/node';
import {
  type PretrainData,
  type PretrainRecipe,
  pretrain,
  pretrainRecipe,
  savePretrained,
} from '@imglish/pretrain';
import { openRun, progress, stopOnSignals } from '@imglish/train/node';
import { type Command, Option } from 'commander';
import { openBackend } from '../model/backend.js';
import { tokenizersFor } from '../model/tokenizers.js';
import { integer, parseJson, positive } from './options.js';

interface PretrainCommandOptions {
  data: string;
  texts?: string[];
  preset: PresetName;
  out: string;
  recipe?: string;
  steps?: number;
  batch: number;
  lr?: number;
  seed?: number;
  tokenizer?: string;
  codes: number;
  every: number;
  backend?: string;
  recompute?: boolean;
  json?: boolean;
}

/** `imglish pretrain`: masked data modelling on your own data or the emoji, with exact resume. */
export function registerPretrain(program: Command): void {
  program
    .command('pretrain')
    .description('pretrain by filling in blanks; run it again to go on where it stopped')
    .option('--data <directory>', 'images with a captions file, or "emoji"', 'emoji')
    .option('--texts <file...>', 'text files, a text per line; by default the captions')
    .addOption(
      new Option('--preset <name>', 'the model').choices([...PRESET_NAMES]).default('tiny'),
    )
    .option('--out <directory>', 'checkpoints, log and the finished model', 'runs/pretrain')
    .option('--recipe <file.json>', 'settings in place of the paper’s')
    .option('--steps <count>', 'updates of the whole run', integer(1))
    .option('--batch <count>', 'texts, images and pairs in a step, so many of each', integer(1), 16)
    .option('--lr <rate>', 'highest learning rate', positive)
    .option('--seed <number>', 'order, masks and first weights', integer(0))
    .option('--tokenizer <file.spm>', 'text tokenizer; by default one is trained on the texts')
    .option('--codes <count>', 'size of the visual codebook', integer(2), 128)
    .option('--every <steps>', 'steps between two checkpoints', integer(1), 100)
    .option('--recompute', 'compute activations again instead of keeping them: less memory')
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--json', 'for programs: progress as JSON lines')
    .action(run);
}

async function run(options: PretrainCommandOptions): Promise<void> {
  const json = options.json ?? false;
  const recipe = await recipeOf(options);
  const config = modelConfig(preset(options.preset));
  const { backend } = await openBackend(options.backend);
  const data = await openData(options, config.imageSize[0], recipe.seed);
  const { spm, ...tokenizers } = await tokenizersFor({
    directory: join(options.out, 'tokenizers'),
    config,
    data,
    seed: recipe.seed,
    codes: options.codes,
    json,
    ...(options.tokenizer ? { spm: options.tokenizer } : {}),
  });
  const folder = await openRun(join(options.out, 'run'), {
    config: { model: config, recipe, data: options.data, texts: options.texts ?? null },
    seed: recipe.seed,
    every: options.every,
  });
  const { signal, dispose } = stopOnSignals();
  try {
    const shown = progress(`pretraining on ${backend.name}`, recipe.steps, { json });
    const { state, stopped } = await pretrain({
      ...data,
      ...tokenizers,
      config,
      recipe,
      run: folder,
      signal,
      onStep: ({ step, losses }) => shown.set(step, losses),
    });
    shown.finish();
    for (const { m, v } of Object.values(state.moments)) disposeAll({ m, v });
    if (!stopped) {
      const directory = join(options.out, 'model');
      const model = { config, parameters: state.parameters, ...tokenizers };
      await savePretrained(fileDirectory(directory), model, { spm });
      console.log(
        json ? JSON.stringify({ steps: state.step, model: directory }) : `wrote ${directory}`,
      );
    } else if (!json) {
      console.log(`stopped after step ${state.step}; run the same command again to go on`);
    }
    disposeAll(state.parameters);
  } finally {
    dispose();
    await folder.close();
  }
}

async function recipeOf(options: PretrainCommandOptions): Promise<PretrainRecipe> {
  const file = options.recipe;
  const given = file ? (parseJson(await readFile(file, 'utf8'), file) as object) : {};
  const { batch, steps = 1000 } = options;
  return pretrainRecipe({
    steps,
    mix: { text: batch, image: batch, pair: batch },
    maxTextLength: 32,
    maxCaptionLength: 24,
    warmupSteps: Math.ceil(steps / 12),
    ...given,
    ...(options.steps === undefined ? {} : { steps: options.steps }),
    ...(options.lr === undefined ? {} : { lr: options.lr }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.recompute ? { recompute: true } : {}),
  });
}

async function openData(
  { data, texts }: PretrainCommandOptions,
  size: number,
  seed: number,
): Promise<PretrainData> {
  const pairs: Dataset<PairExample> =
    data === 'emoji' ? await emojiPairs({ size, seed }) : await openCaptionFolder(data);
  const images: Dataset<ImageExample> = mapDataset(pairs, ({ id, image }) => ({ id, image }));
  if (texts) return { pairs, images, texts: await openTextFiles(texts) };
  if (data === 'emoji') return { pairs, images, texts: await emojiCorpus({ seed }) };
  const captions: Dataset<TextExample> = mapDataset(pairs, ({ id, captions }) => ({
    id,
    text: captions[0]!,
  }));
  return { pairs, images, texts: captions };
}
