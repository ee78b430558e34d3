import type { PairExample, RgbImage } from '@imglish/core';
import { defaultPreprocessor } from '@imglish/tokenizers';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Task } from '../task.js';
import { batch } from './batch.js';
import type { CaptionOptions } from './generate/index.js';
import { type CaptioningInputs, forward, headSpecs } from './head.js';
import { type CaptioningTargets, loss } from './loss.js';
import { type CaptionReference, metric, reference } from './metric.js';
import { predict, type WrittenCaption } from './predict.js';
import { type CaptioningRecipe, captioningRecipe } from './recipe.js';

/** Describes an image in words, learnt by filling in blanks from the left (COCO captions). */
export const imageCaptioning: Task<{
  Example: PairExample;
  Query: { image: RgbImage };
  Prediction: WrittenCaption;
  Reference: CaptionReference;
  PredictOptions: CaptionOptions;
  Inputs: CaptioningInputs & CaptioningTargets;
  Options: Record<never, never>;
  Outputs: { logits: Tensor2D };
  Recipe: CaptioningRecipe;
}> = {
  name: 'image-captioning',
  normalizeOutput: true,
  labels: undefined,
  readsText: true,
  options: () => ({}),
  preprocessor: defaultPreprocessor,
  recipe: captioningRecipe,
  headSpecs,
  forward,
  loss,
  batch,
  query: ({ image }) => ({ image }),
  predict,
  reference,
  metric,
};
