import { ConfigError, type Dataset, type ImageExample } from '@imglish/core';
import {
  defaultPreprocessor,
  type Pixels,
  patchCount,
  patchify,
  preprocessImage,
  type VqKdConfig,
} from '@imglish/tokenizers';
import type { Batch, BatchSource } from '@imglish/train';
import { tensor3d } from '@tensorflow/tfjs-core';
import { epochOrder } from '../batches/epoch-order.js';
import type { VqKdBatch } from './objective.js';
import type { Teacher } from './teachers.js';

export interface VqKdBatchOptions {
  config: VqKdConfig;
  images: Dataset<ImageExample>;
  teacher: Teacher;
  seed: number;
  /** Images of a batch. */
  batch: number;
}

/**
 * Batches of images, stretched to the tokenizer's size, with the teacher's features; each the same
 * whenever it is asked for. The data set is walked epoch by epoch, each in an order of its own.
 *
 * Throws `ConfigError`: `config/no-images`, `config/teacher` for one whose features do not fit.
 */
export function vqKdBatches(options: VqKdBatchOptions): BatchSource<VqKdBatch & Batch> {
  const { config, images, teacher, seed, batch } = options;
  const { imageSize, patchSize, teacherDim } = config;
  const refuse = (code: string, expected: string, got: string): never => {
    throw new ConfigError({ code, where: 'vqKdBatches', expected, got });
  };
  if (images.size === 0) refuse('config/no-images', 'images to learn from', 'none');
  if (teacher.dim !== teacherDim) {
    const expected = `a teacher whose features have ${teacherDim} numbers, the teacherDim`;
    refuse('config/teacher', expected, `${teacher.dim} of ${teacher.name}`);
  }
  const order = epochOrder(seed, 'order of images', images.size);
  const preprocessor = defaultPreprocessor(imageSize);
  const count = patchCount(config);
  const size = 3 * patchSize * patchSize;
  return async (index) => {
    const pixels: Pixels[] = [];
    for (let i = 0; i < batch; i++) {
      const { image } = await images.get(order(index * batch + i));
      pixels.push(preprocessImage(image, preprocessor));
    }
    const features = await teacher.features(pixels, [imageSize / patchSize, imageSize / patchSize]);
    if (features.length !== batch * count * teacherDim) {
      const expected = `${batch} × ${count} features of ${teacherDim} numbers from ${teacher.name}`;
      refuse('config/teacher', expected, `${features.length} numbers`);
    }
    const patches = new Float32Array(batch * count * size);
    pixels.forEach((image, i) => {
      patches.set(patchify(image, patchSize).data, i * count * size);
    });
    return {
      size: batch,
      patches: tensor3d(patches, [batch, count, size]),
      target: tensor3d(features, [batch, count, teacherDim]),
    };
  };
}
