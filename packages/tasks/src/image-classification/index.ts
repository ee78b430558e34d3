import type { ImageInput } from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Task } from '../task.js';
import { type ClassificationOptions, forward, headSpecs } from './head.js';
import { type ClassificationTargets, loss } from './loss.js';

export type ClassificationInputs = { image: ImageInput } & ClassificationTargets;

/** Which of a fixed set of classes an image shows (ImageNet). */
export const imageClassification: Task<
  ClassificationInputs,
  ClassificationOptions,
  { logits: Tensor2D }
> = { name: 'image-classification', normalizeOutput: false, headSpecs, forward, loss };
