import {
  ConfigError,
  type Dataset,
  draw,
  drawDropPath,
  type ModelConfig,
  type RgbImage,
} from '@imglish/core';
import { epochOrder } from '@imglish/pretrain';
import type { BatchSource } from '@imglish/train';
import { tensor3d } from '@tensorflow/tfjs-core';
import type { Task, TaskBatch, TaskReader, TaskTypes } from '../task.js';
import { mapImages } from './images-of.js';
import { microBatch } from './recipe.js';

/** Which image of a run it is: what is random in its augmentation is drawn from this. */
export interface AugmentationDraw {
  readonly seed: number;
  readonly epoch: number;
  /** Index of the example; the second image of a pair has that plus the size of the data set. */
  readonly index: number;
}

export type Augment = (image: RgbImage, draw: AugmentationDraw) => RgbImage;

export interface TaskBatchOptions<T extends TaskTypes> {
  task: Task<T>;
  reader: TaskReader;
  recipe: T['Recipe'];
  data: Dataset<T['Example']>;
  /** Changes training images before they are preprocessed. */
  augment?: Augment | undefined;
}

/**
 * Batches of a task, each the same whenever it is asked for. Samples are numbered through the run; order,
 * augmentation, masks and drop paths are drawn from (seed, number), every epoch has an order of its own.
 *
 * Throws `config/no-data` for an empty data set; a batch rejects with what reading an example throws.
 */
export function taskBatches<T extends TaskTypes>({
  task,
  reader,
  recipe,
  data,
  augment,
}: TaskBatchOptions<T>): BatchSource<TaskBatch<T['Inputs']>> {
  if (data.size === 0) {
    throw new ConfigError({
      code: 'config/no-data',
      where: 'taskBatches',
      expected: 'at least one example',
      got: 'none',
    });
  }
  const { seed, accumulate, dropPath } = recipe;
  const size = microBatch(recipe);
  const order = epochOrder(seed, `order of ${task.name}`, data.size);
  const dropping = { ...reader.config, dropPathRate: dropPath };
  const read = async (number: number): Promise<T['Example']> => {
    const index = order(number);
    const example = await data.get(index);
    if (!augment) return example;
    const epoch = Math.floor(number / data.size);
    return mapImages(example, (image, part) =>
      augment(image, { seed, epoch, index: index + part * data.size }),
    );
  };
  return async (index) => {
    const samples = Array.from({ length: size }, (_, i) => index * size + i);
    const examples: T['Example'][] = [];
    // One after the other: what is read may be large.
    for (const number of samples) examples.push(await read(number));
    const step = Math.floor(index / accumulate);
    const batch = task.batch(examples, { ...reader, recipe, step, samples });
    if (dropPath === 0) return batch;
    return { ...batch, dropPath: dropPaths(task, dropping, seed, samples) };
  };
}

/** `[layers, 2, B]`; a task that runs every sample twice has draws for both passes. */
function dropPaths<T extends TaskTypes>(
  { passes = 1 }: Task<T>,
  config: ModelConfig,
  seed: number,
  samples: readonly number[],
) {
  const numbers = Array.from({ length: passes }, (_, pass) =>
    samples.map((number) => number * passes + pass),
  ).flat();
  const own = draw(seed, 'drop path of fine-tuning').uint32();
  const factors = drawDropPath(config, own, 0, numbers);
  return tensor3d(factors, [config.layers, 2, numbers.length]);
}
