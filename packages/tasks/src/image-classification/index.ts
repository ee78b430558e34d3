import type { ClassificationExample, ImageInput, RgbImage } from '@imglish/core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Task } from '../task.js';
import { batch } from './batch.js';
import { type ClassificationOptions, forward, headSpecs } from './head.js';
import { type ClassificationTargets, loss } from './loss.js';
import { chance, guess, metric, reference } from './metric.js';
import { predict, type ScoredLabel, type TopOptions } from './predict.js';
import { preprocessor } from './preprocessor.js';
import { type ClassificationRecipe, classificationRecipe } from './recipe.js';

export type ClassificationInputs = { image: ImageInput } & ClassificationTargets;

/** Which of a fixed set of classes an image shows (ImageNet). */
export const imageClassification: Task<{
  Example: ClassificationExample;
  Query: { image: RgbImage };
  Prediction: ScoredLabel[];
  Reference: number;
  PredictOptions: TopOptions;
  Inputs: ClassificationInputs;
  Options: ClassificationOptions;
  Outputs: { logits: Tensor2D };
  Recipe: ClassificationRecipe;
}> = {
  name: 'image-classification',
  normalizeOutput: false,
  labels: 'classes',
  readsText: false,
  options: (labels) => ({ classes: labels.length }),
  preprocessor,
  recipe: classificationRecipe,
  headSpecs,
  forward,
  loss,
  batch,
  query: ({ image }) => ({ image }),
  predict,
  reference,
  metric,
  guess,
  chance,
};
