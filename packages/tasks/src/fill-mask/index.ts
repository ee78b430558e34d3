import type { TextExample } from '@imglish/core';
import { type FilledText, MASKED_DATA_MODELLING } from '@imglish/pretrain';
import { defaultPreprocessor } from '@imglish/tokenizers';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { TopOptions } from '../image-classification/predict.js';
import type { Task } from '../task.js';
import { batch } from './batch.js';
import { type FillMaskInputs, forward, headSpecs, loss } from './head.js';
import { type BlankedText, blanked, metric } from './metric.js';
import { predict } from './predict.js';
import { type FillMaskRecipe, fillMaskRecipe } from './recipe.js';

/** Says what stands at the blanks of a text, with the head that pretraining leaves on a model. */
export const fillMask: Task<{
  Example: TextExample;
  Query: { text: string };
  Prediction: FilledText;
  Reference: BlankedText;
  PredictOptions: TopOptions;
  Inputs: FillMaskInputs;
  Options: Record<never, never>;
  Outputs: { logits: Tensor2D };
  Recipe: FillMaskRecipe;
}> = {
  name: 'fill-mask',
  normalizeOutput: true,
  labels: undefined,
  readsText: true,
  partOf: [MASKED_DATA_MODELLING],
  options: () => ({}),
  preprocessor: defaultPreprocessor,
  recipe: fillMaskRecipe,
  headSpecs,
  forward,
  loss,
  batch,
  query: ({ id, text }) => ({ text: blanked({ id, text }).text }),
  predict,
  reference: blanked,
  metric,
};
