import {
  ConfigError,
  type Dataset,
  draw,
  drawDropPath,
  type ModelConfig,
  type RgbImage,
} from '@imglish/core';
import { epochOrder } from '@imglish/pretrain';
import type { Pixels } from '@imglish/tokenizers';
import type { BatchSource } from '@imglish/train';
import { tensor3d } from '@tensorflow/tfjs-core';
import type { Task, TaskBatch, TaskReader, TaskTypes } from '../task.js';
import { mapImages } from './images-of.js';
import { microBatch } from './recipe.js';

/** Which image of a run it is: what is random in its augmentation is drawn from this. */
export interface AugmentationDraw {
  readonly seed: number;
  readonly epoch: number;
  /** Of the example in the data set. */
  readonly index: number;
  /** 0, or 1 for the second image of an example. */
  readonly picture: number;
}

/** An image as normalised pixels of the model's size, changed at random. */
export type Augment = (image: RgbImage, draw: AugmentationDraw) => Pixels;

export interface TaskBatchOptions<T extends TaskTypes> {
  task: Task<T>;
  reader: TaskReader;
  recipe: T['Recipe'];
  data: Dataset<T['Example']>;
  /** Reads training images instead of the preprocessor. */
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
  const draws: WeakMap<RgbImage, AugmentationDraw> = new WeakMap();
  const augmented = augment && ((image: RgbImage) => augment(image, draws.get(image)!));
  const read = async (number: number): Promise<T['Example']> => {
    const index = order(number);
    const example = await data.get(index);
    if (!augment) return example;
    const epoch = Math.floor(number / data.size);
    return mapImages(example, (image, picture) => {
      const own = { ...image }; // the same image may come again, with another draw
      draws.set(own, { seed, epoch, index, picture });
      return own;
    });
  };
  return async (index) => {
    const samples = Array.from({ length: size }, (_, i) => index * size + i);
    const examples: T['Example'][] = [];
    // One after the other: what is read may be large.
    for (const number of samples) examples.push(await read(number));
    const step = Math.floor(index / accumulate);
    const batch = task.batch(examples, { ...reader, recipe, step, samples, augmented });
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
