import { fileDirectory } from '@imglish/core/node';
import { baselines, evaluateTask, findTask, loadTaskModel, TASK_NAMES } from '@imglish/tasks';
import { progress } from '@imglish/train/node';
import { Argument, type Command } from 'commander';
import { openBackend } from '../model/backend.js';
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
    .option('--threads <count>', 'processor threads to compute on; by default all', integer(1))
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--json', 'for programs')
    .action(run);
}

async function run(name: string, options: EvaluateOptions): Promise<void> {
  const { json = false, limit, batch, blind = false } = options;
  const task = findTask(name);
  const { backend } = await openBackend(options.backend, options.threads);
  const model = await loadTaskModel(fileDirectory(options.model), task, backend);
  try {
    const { data } = await openDataOf(task, options.data, options.split);
    const count = Math.min(limit ?? data.size, data.size);
    const shown = progress(`evaluating on ${backend.name}`, count, { json });
    const { metrics, references } = await evaluateTask(task, model, data, {
      limit: count,
      batch,
      blind,
      onProgress: (done) => shown.set(done),
    });
    shown.finish();
    const training = task.guess
      ? (await openDataOf(task, options.data, options.training)).data
      : undefined;
    const compared = await baselines(task, model.labels, references, training);
    const result = { task: task.name, split: options.split, count, blind, metrics, ...compared };
    if (json) console.log(JSON.stringify(result));
    else {
      console.log(`${task.name}, ${options.split}, ${count} examples${blind ? ', blind' : ''}`);
      for (const line of metricLines(metrics, compared)) console.log(line);
    }
  } finally {
    await model.dispose();
  }
}
