import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Task } from '../task.js';
import { type CaptioningInputs, forward, headSpecs } from './head.js';
import { type CaptioningTargets, loss } from './loss.js';

/** Describes an image in words, learnt by filling in blanks from the left (COCO captions). */
export const imageCaptioning: Task<
  CaptioningInputs & CaptioningTargets,
  Record<never, never>,
  { logits: Tensor2D }
> = { name: 'image-captioning', normalizeOutput: true, headSpecs, forward, loss };
