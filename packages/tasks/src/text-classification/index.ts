import type { TextClassificationExample } from '@imglish/core';
import { defaultPreprocessor } from '@imglish/tokenizers';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { type ClassificationTargets, loss } from '../image-classification/loss.js';
import { chance, guess, metric } from '../image-classification/metric.js';
import type { ScoredLabel, TopOptions } from '../image-classification/predict.js';
import { checkLabel } from '../inputs/labels.js';
import type { Task } from '../task.js';
import { batch } from './batch.js';
import { forward, headSpecs, type TextClassificationOptions, type TextInputs } from './head.js';
import { predict } from './predict.js';
import { type TextClassificationRecipe, textClassificationRecipe } from './recipe.js';

export type TextClassificationInputs = TextInputs & ClassificationTargets;

/** Which of a fixed set of classes a text belongs to. Not among the tasks that were released. */
export const textClassification: Task<{
  Example: TextClassificationExample;
  Query: { text: string };
  Prediction: ScoredLabel[];
  Reference: number;
  PredictOptions: TopOptions;
  Inputs: TextClassificationInputs;
  Options: TextClassificationOptions;
  Outputs: { logits: Tensor2D };
  Recipe: TextClassificationRecipe;
}> = {
  name: 'text-classification',
  normalizeOutput: false,
  labels: 'classes',
  readsText: true,
  options: (labels) => ({ classes: labels.length }),
  preprocessor: defaultPreprocessor,
  recipe: textClassificationRecipe,
  headSpecs,
  forward,
  loss,
  batch,
  query: ({ text }) => ({ text }),
  predict,
  reference: ({ id, label }, labels) =>
    checkLabel('textClassification.reference', id, label, labels),
  metric,
  guess,
  chance,
};
