import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type Backend, disposeAll, executorFor, type Parameters } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import {
  INITIALIZATIONS,
  type Initialization,
  MASKED_FREE_SIZES,
  type PretrainEvaluation,
  savePretrained,
} from '@imglish/pretrain';
import type { StepMetrics } from '@imglish/train';
import { progress } from '@imglish/train/node';
import { type Command, Option } from 'commander';
import { openBackend } from '../model/backend.js';
import { trainTokenizers } from '../model/tokenizers.js';
import { writeText } from '../model/write-file.js';
import { evaluateQuickstart, type QuickstartEvaluation } from '../quickstart/evaluation.js';
import { fillInExamples } from '../quickstart/fill-ins.js';
import { modelCard } from '../quickstart/model-card.js';
import { loadEmoji } from '../quickstart/prepare.js';
import { percent, quickstartHtml, STREAM_NAMES, smoothed } from '../quickstart/report.js';
import { emojiSource, quickstartSettings } from '../quickstart/settings.js';
import type { PretrainJob } from '../ranks/job.js';
import { ranksFor, runRanks } from '../ranks/run-ranks.js';
import { integer } from './options.js';

interface QuickstartOptions {
  seed: number;
  steps?: number;
  long?: boolean;
  initialization: Initialization;
  out: string;
  backend?: string;
  threads?: number;
  shareAlike: boolean;
  visualTokenizer?: string;
  json?: boolean;
}

/** Points by which the image is to help the words of a caption, after the long run. */
const GOAL = 10;
/** Fill-ins that the report shows of each kind. */
const EXAMPLES = 12;

/** `imglish quickstart`: what `npm start` runs. */
export function registerQuickstart(program: Command): void {
  program
    .command('quickstart')
    .description('pretrain a small BEiT-3 on captioned emoji and let it fill in blanks')
    .option('--seed <number>', 'the same seed gives the same numbers', integer(0), 0)
    .option('--steps <count>', 'updates; by default about 90 seconds of them', integer(1))
    .option(
      '--long',
      `a quarter of an hour instead, until the image helps the words; fails below ${GOAL} points`,
    )
    .addOption(
      new Option('--initialization <kind>', 'how parameters begin')
        .choices([...INITIALIZATIONS])
        .default('fan-in'),
    )
    .option('--out <directory>', 'where the model and the report go', 'runs/quickstart')
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--threads <count>', 'processor threads to compute on; by default all', integer(1))
    .option('--no-share-alike', 'leave out drawings under a share-alike licence')
    .option(
      '--visual-tokenizer <directory>',
      'what "tokenizer train visual" wrote; by default mean patches are learnt',
    )
    .option('--json', 'for programs: progress and results as JSON lines')
    .action(async (options: QuickstartOptions) => {
      const json = options.json ?? false;
      const say = json ? () => {} : (line: string) => console.log(line);
      const { backend, tried } = await openBackend(options.backend, options.threads);
      for (const attempt of tried) {
        if (!attempt.ok) say(`backend ${attempt.name} does not work here: ${attempt.reason}`);
      }
      const { seed, steps, initialization, shareAlike, long = false } = options;
      const choices = { seed, steps, initialization, shareAlike, long };
      const settings = quickstartSettings(backend.name, choices);
      const { config, codes, codebookImages } = settings;
      const ranks = ranksFor(backend, settings.recipe.accumulate, options.threads);
      const threads = `${ranks} ${ranks === 1 ? 'thread' : 'threads'}`;
      say(`computing with ${backend.name}: ${backend.compiler?.description ?? threads}`);

      const source = emojiSource(settings);
      const data = await loadEmoji(source, json);
      say(
        `${data.pairs.size} captioned pictures to learn from, ${data.unseenConcepts.size} of unseen concepts and ${data.unseenStyle.size} in an unseen style to be asked about, ${data.texts.size} texts`,
      );
      const trained = await trainTokenizers({
        ...{ config, data, seed, codes, codebookImages, backend, json },
        ...(options.visualTokenizer === undefined ? {} : { visual: options.visualTokenizer }),
      });
      const { spm, visual, ...tokenizers } = trained;
      const job = { ...settings, source, spm, visual };
      const { parameters, metrics } = await learn(backend, job, ranks, json);
      const executor = executorFor(backend, parameters, { freeSizes: MASKED_FREE_SIZES });
      try {
        const evaluation = await evaluateQuickstart(executor, settings, data, tokenizers, json);
        const served = { config, executor, ...tokenizers };
        const fillIns = await fillInExamples(served, data.unseenConcepts, settings, EXAMPLES);
        const model = { config, parameters, ...tokenizers };
        const report = { settings, backend: backend.name, metrics, evaluation, fillIns };
        const directory = join(options.out, 'model');
        const page = join(options.out, 'report.html');
        await mkdir(options.out, { recursive: true });
        const card = modelCard(settings, backend.name, evaluation);
        await savePretrained(fileDirectory(directory), model, { spm, card });
        await writeText(page, quickstartHtml(report));
        if (json) console.log(JSON.stringify(result(metrics, evaluation, directory, page)));
        else summarize(say, metrics, evaluation, directory, page);
        if (long && !imageHelps(say, evaluation)) process.exitCode = 1;
      } finally {
        await executor.dispose();
        await tokenizers.visualTokenizer.dispose?.();
        disposeAll(parameters);
      }
    });
}

/** Whether masked words of concepts shown are found more often with the image, by the goal. */
function imageHelps(say: (line: string) => void, { unseenStyle }: QuickstartEvaluation): boolean {
  const { model, withoutPartner } = unseenStyle.pairText!;
  const gain = 100 * (model.accuracy - withoutPartner!.accuracy);
  say(
    `masked words of concepts shown: ${percent(model.accuracy)} with the image, ${percent(withoutPartner!.accuracy)} without it, ${gain.toFixed(1)} points more (goal: ${GOAL})`,
  );
  return gain >= GOAL;
}

async function learn(
  { compiler }: Backend,
  job: PretrainJob,
  ranks: number,
  json: boolean,
): Promise<{ parameters: Parameters; metrics: StepMetrics[] }> {
  const shown = progress('pretraining', job.recipe.steps, { json });
  const metrics: StepMetrics[] = [];
  const { parameters } = await runRanks(job, ranks, {
    ...(compiler ? { compiler } : {}),
    onStep: (step) => {
      metrics.push(step);
      shown.set(step.step, step.losses);
    },
  });
  shown.finish();
  return { parameters, metrics };
}

function result(
  metrics: readonly StepMetrics[],
  evaluation: QuickstartEvaluation,
  model: string,
  report: string,
) {
  const losses = Object.fromEntries(
    Object.keys(STREAM_NAMES).map((stream) => [stream, smoothed(metrics, stream).at(-1)?.[1]]),
  );
  return { steps: metrics.length, losses, evaluation, model, report };
}

function summarize(
  say: (line: string) => void,
  metrics: readonly StepMetrics[],
  { unseenConcepts, unseenStyle }: QuickstartEvaluation,
  directory: string,
  report: string,
): void {
  const row = (...cells: string[]) =>
    say(
      `  ${cells[0]!.padEnd(40)}${cells
        .slice(1)
        .map((cell) => cell.padStart(16))
        .join('')}`,
    );
  say('');
  row('training loss (nats)', 'model, last', 'by frequency');
  for (const [stream, name] of Object.entries(STREAM_NAMES)) {
    const last = smoothed(metrics, stream).at(-1)?.[1];
    const baseline = unseenConcepts[stream as keyof PretrainEvaluation]?.mostFrequent.loss;
    if (last !== undefined) row(name, last.toFixed(3), baseline?.toFixed(3) ?? '–');
  }
  const blanks = (title: string, evaluation: PretrainEvaluation) => {
    say('');
    row(title, 'model', 'without partner', 'most frequent');
    for (const [stream, { model, mostFrequent, withoutPartner }] of Object.entries(evaluation)) {
      const alone = withoutPartner ? percent(withoutPartner.accuracy) : '–';
      const name = STREAM_NAMES[stream as keyof PretrainEvaluation];
      row(name, percent(model.accuracy), alone, percent(mostFrequent.accuracy));
    }
  };
  blanks('blanks filled right, unseen concepts', unseenConcepts);
  blanks('blanks filled right, unseen style', unseenStyle);
  say('');
  say(`model   ${directory}`);
  say(`report  ${report}`);
  const example = 'a <mask> drawing of a <mask>';
  say(
    `try     npm run imglish -- fill --model ${JSON.stringify(relative('.', directory))} "${example}"`,
  );
}
