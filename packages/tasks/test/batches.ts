import { type ModelConfig, patchGrid, unidirectionalMask } from '@imglish/core';
import { type Tensor, type Tensor2D, tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { tasks } from '../src/index.js';
import type { TaskHead } from '../src/task.js';
import { pixelsOf, textOf } from './small-model.js';

/** A task with a batch of 2 for a small model: what every test of all tasks needs to know of one. */
export interface TaskBatch {
  task: AnyTask;
  options: object;
  inputs(config: ModelConfig): object;
}

// A task takes inputs of its own kind; here each meets its own again.
export type AnyTask = TaskHead<never, never, Record<string, Tensor>>;

const paddingMask = () => tensor2d([0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [2, 5]);
const pair = (config: ModelConfig) => ({
  image: { pixels: pixelsOf(config, 2) },
  textIds: textOf(config, 2, 5),
  paddingMask: paddingMask(),
});

const BATCHES: Record<keyof typeof tasks, Omit<TaskBatch, 'task'>> = {
  imageClassification: {
    options: { classes: 4 },
    inputs: (config) => ({
      image: { pixels: pixelsOf(config, 2) },
      labels: tensor1d([2, 0], 'int32'),
      labelSmoothing: 0.1,
    }),
  },
  visualReasoning: {
    options: { classes: 2 },
    inputs: (config) => ({
      imageA: { pixels: pixelsOf(config, 2) },
      imageB: { pixels: pixelsOf(config, 2, 'other pixels') },
      textIds: textOf(config, 2, 5),
      paddingMask: paddingMask(),
      labels: tensor1d([1, 0], 'int32'),
    }),
  },
  visualQuestionAnswering: {
    options: { answers: 4 },
    inputs: (config) => ({
      ...pair(config),
      scores: tensor2d([1, 0, 0.3, 0, 0, 0.6, 0, 0], [2, 4]),
    }),
  },
  imageCaptioning: {
    options: {},
    inputs: (config) => ({
      ...pair(config),
      attentionMask: generationMask(config, 5),
      slots: tensor1d([1, 3, 6, 0], 'int32'),
      labels: tensor1d([4, 2, 9, 0], 'int32'),
      weights: tensor1d([1, 1, 1, 0]), // the last slot is empty
      count: 3,
    }),
  },
  imageTextRetrieval: { options: {}, inputs: pair },
  textClassification: {
    options: { classes: 4 },
    inputs: (config) => ({
      textIds: textOf(config, 2, 5),
      paddingMask: paddingMask(),
      labels: tensor1d([2, 0], 'int32'),
    }),
  },
  fillMask: {
    options: {},
    inputs: (config) => ({
      textIds: textOf(config, 2, 5),
      paddingMask: paddingMask(),
      slots: tensor1d([1, 3, 6, 0], 'int32'),
      labels: tensor1d([4, 2, 9, 0], 'int32'),
      weights: tensor1d([1, 1, 1, 0]), // the last slot is empty
      count: 3,
    }),
  },
};

export const TASK_BATCHES: [name: keyof typeof tasks, batch: TaskBatch][] = (
  Object.keys(tasks) as (keyof typeof tasks)[]
).map((name) => [name, { ...BATCHES[name], task: tasks[name] as unknown as AnyTask }]);

export function generationMask(config: ModelConfig, textLength: number): Tensor2D {
  const [rows, columns] = patchGrid(config);
  const total = 1 + rows * columns + textLength;
  return tensor(unidirectionalMask(total - textLength, textLength), [total, total]) as Tensor2D;
}
