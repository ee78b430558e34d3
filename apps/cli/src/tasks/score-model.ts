import { stat } from 'node:fs/promises';
import { type Backend, ConfigError } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import {
  baselines,
  type Evaluation,
  evaluateTask,
  loadTaskModel,
  type Metrics,
  type OpenTaskModel,
  type Task,
} from '@imglish/tasks';
import { progress } from '@imglish/train/node';
import type { Compared } from './report.js';
import { readLines } from './run-history.js';
import { openDataOf } from './task-data.js';

export interface ScoringOptions {
  data: string;
  split: string;
  /** Split whose most frequent answer is compared. */
  training: string;
  limit?: number | undefined;
  batch?: number;
  /** Grey in the place of every image. */
  blind?: boolean;
  /** A model that was tuned with `--blind`, or a file of its scores. */
  blindModel?: string | undefined;
  json: boolean;
}

export interface ScoredModel {
  evaluation: Evaluation;
  compared: Compared;
}

/** Scores a model on a split, and what it is to be held against. */
export async function scoreModel(
  task: Task,
  model: OpenTaskModel,
  backend: Backend,
  options: ScoringOptions,
): Promise<ScoredModel> {
  const { blind = false, blindModel, json } = options;
  const { data } = await openDataOf(task, options.data, options.split, {
    labels: model.labels,
  });
  const limit = Math.min(options.limit ?? data.size, data.size);
  const evaluate = async (scored: OpenTaskModel, isBlind: boolean): Promise<Evaluation> => {
    const shown = progress(`evaluating on ${backend.name}`, limit, { json });
    const evaluation = await evaluateTask(task, scored, data, {
      limit,
      ...(options.batch === undefined ? {} : { batch: options.batch }),
      blind: isBlind,
      onProgress: (done) => shown.set(done),
    });
    shown.finish();
    return evaluation;
  };
  const evaluation = await evaluate(model, blind);
  const training =
    task.guess || task.pixels
      ? (await openDataOf(task, options.data, options.training, { labels: model.labels })).data
      : undefined;
  const compared = await baselines(task, model.labels, evaluation.references, data, training);
  if (blindModel === undefined) return { evaluation, compared };
  if (!(await isDirectory(blindModel))) {
    return { evaluation, compared: { ...compared, blindModel: await bestOf(blindModel) } };
  }
  const other = await loadTaskModel(fileDirectory(blindModel), task, backend);
  try {
    const { metrics } = await evaluate(other, true);
    return { evaluation, compared: { ...compared, blindModel: metrics } };
  } finally {
    await other.dispose();
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The best scores in a file: that of a run, or what `imglish evaluate --json` prints. */
async function bestOf(file: string): Promise<Metrics> {
  const lines = await readLines<{ metrics?: Metrics }>(file);
  const [best] = lines
    .flatMap(({ metrics }) => (metrics ? [metrics] : []))
    .sort((a, b) => Object.values(b)[0]! - Object.values(a)[0]!);
  if (best) return best;
  throw new ConfigError({
    code: 'config/no-scores',
    where: 'scoreModel',
    expected: `a model directory, or a file with lines of scores, at ${file}`,
    got: `${lines.length} lines, none of them with metrics`,
  });
}
