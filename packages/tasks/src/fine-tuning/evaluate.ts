import type { Dataset } from '@imglish/core';
import type { Metrics, Task, TaskModel, TaskTypes } from '../task.js';
import { blind } from './images-of.js';

export interface EvaluationOptions<T extends TaskTypes = TaskTypes> {
  /** Examples that are looked at, the first ones; by default all. */
  limit?: number | undefined;
  /** Examples that go through the model at once, default 32. */
  batch?: number;
  /** Replaces images by grey ones: what the text alone tells. */
  blind?: boolean;
  predictOptions?: T['PredictOptions'];
  onProgress?: (done: number, all: number) => void;
}

export interface Evaluation<T extends TaskTypes = TaskTypes> {
  readonly metrics: Metrics;
  /** Examples that it is the score of. */
  readonly count: number;
  /** Beside each other, in the order of the data set. */
  readonly predictions: readonly T['Prediction'][];
  readonly references: readonly T['Reference'][];
}

/** Scores a model's predictions for a data set. */
export async function evaluateTask<T extends TaskTypes>(
  task: Task<T>,
  model: TaskModel,
  data: Dataset<T['Example']>,
  options: EvaluationOptions<T> = {},
): Promise<Evaluation<T>> {
  const { limit = data.size, batch = 32, predictOptions, onProgress } = options;
  const count = Math.min(limit, data.size);
  const predictions: T['Prediction'][] = [];
  const references: T['Reference'][] = [];
  for (let start = 0; start < count; start += batch) {
    const queries: T['Query'][] = [];
    for (let i = start; i < Math.min(start + batch, count); i++) {
      const example = await data.get(i);
      references.push(task.reference(example, model.labels));
      queries.push(task.query(options.blind ? blind(example) : example));
    }
    predictions.push(...(await task.predict(model, queries, predictOptions)));
    onProgress?.(predictions.length, count);
  }
  return { metrics: task.metric(predictions, references), count, predictions, references };
}

/** What can be had without a model, where the task knows: scores to hold those of a model against. */
export interface Baselines {
  /** Always the answer that is most frequent in training. */
  readonly majority?: Metrics | undefined;
  /** Answers at random. */
  readonly chance?: Metrics | undefined;
  /** What training images near in pixels tell. */
  readonly pixels?: Metrics | undefined;
}

/** Examples of training from which the most frequent answer is counted. */
const COUNTED = 2000;

export async function baselines<T extends TaskTypes>(
  task: Task<T>,
  labels: readonly string[],
  references: readonly T['Reference'][],
  data: Dataset<T['Example']>,
  training?: Dataset<T['Example']>,
): Promise<Baselines> {
  const known: T['Reference'][] = [];
  if (task.guess && training) {
    const count = Math.min(COUNTED, training.size);
    for (let i = 0; i < count; i++) {
      const index = Math.floor((i * training.size) / count);
      known.push(task.reference(await training.get(index), labels));
    }
  }
  const guess = known.length > 0 ? task.guess!(known, labels) : undefined;
  return {
    majority:
      guess === undefined
        ? undefined
        : task.metric(
            references.map(() => guess),
            references,
          ),
    chance: task.chance?.(references, labels),
    pixels: training && (await task.pixels?.(data, training, references.length)),
  };
}
