import { dirname } from 'node:path';
import { fileDirectory } from '@imglish/core/node';
import { findTask, loadTaskModel, TASK_NAMES } from '@imglish/tasks';
import { Argument, type Command } from 'commander';
import { openBackend } from '../model/backend.js';
import { subjectOf, writePredictions, writeReport } from '../tasks/report-file.js';
import { readHistory } from '../tasks/run-history.js';
import { scoreModel } from '../tasks/score-model.js';
import { metricLines } from '../tasks/show.js';
import { openDataOf } from '../tasks/task-data.js';
import { integer } from './options.js';

interface EvaluateOptions {
  model: string;
  data: string;
  split: string;
  training: string;
  limit?: number;
  batch: number;
  blind?: boolean;
  blindModel?: string;
  report?: string;
  predictions?: string;
  threads?: number;
  backend?: string;
  json?: boolean;
}

/** `imglish evaluate`: metrics of a tuned model, beside what can be had without one. */
export function registerEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('score a model on a split, beside the most frequent answer and chance')
    .addArgument(new Argument('<task>', 'what it was tuned for').choices([...TASK_NAMES]))
    .requiredOption('--model <directory>', 'a model of that task')
    .requiredOption('--data <directory>', 'a data set in one of the official layouts')
    .option('--split <name>', 'split to score', 'val')
    .option('--training <name>', 'split whose most frequent answer is compared', 'train')
    .option('--limit <count>', 'examples that are looked at; by default all', integer(1))
    .option('--batch <count>', 'examples at once', integer(1), 32)
    .option('--blind', 'grey in the place of every image: what the text alone tells')
    .option('--blind-model <path>', 'a model tuned with --blind, or its scores, to compare with')
    .option('--report <file>', 'a page with scores, successes and failures (HTML)')
    .option('--predictions <file>', 'every answer beside what is right, a line of JSON each')
    .option('--threads <count>', 'processor threads to compute on; by default all', integer(1))
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--json', 'for programs')
    .action(run);
}

async function run(name: string, options: EvaluateOptions): Promise<void> {
  const { json = false, blind = false, split } = options;
  const task = findTask(name);
  const { backend } = await openBackend(options.backend, options.threads);
  const model = await loadTaskModel(fileDirectory(options.model), task, backend);
  try {
    const scored = await scoreModel(task, model, backend, { ...options, json });
    const { metrics, count } = scored.evaluation;
    const result = { task: task.name, split, count, blind, metrics, ...scored.compared };
    if (json) console.log(JSON.stringify(result));
    else {
      console.log(`${task.name}, ${split}, ${count} examples${blind ? ', blind' : ''}`);
      for (const line of metricLines(metrics, scored.compared)) console.log(line);
    }
    if (options.predictions !== undefined) {
      await writePredictions(options.predictions, scored.evaluation);
      if (!json) console.log(`wrote ${options.predictions}`);
    }
    if (options.report === undefined) return;
    await writeReport(options.report, {
      ...{ task, labels: model.labels, ...scored },
      subject: subjectOf({ ...options, count, backend: backend.name }),
      data: (await openDataOf(task, options.data, split)).data,
      history: await readHistory(dirname(options.model)),
    });
    if (!json) console.log(`wrote ${options.report}`);
  } finally {
    await model.dispose();
  }
}
