import type { VisualReasoningExample } from '@imglish/core';
import { defaultPreprocessor } from '@imglish/tokenizers';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Task } from '../task.js';
import { batch } from './batch.js';
import { forward, headSpecs, type ReasoningOptions, type StatementInputs } from './head.js';
import { loss, type StatementLabels } from './loss.js';
import { chance, guess, metric, reference, type StatementReference } from './metric.js';
import { type Judgement, predict, type Statement } from './predict.js';
import { type ReasoningRecipe, reasoningRecipe } from './recipe.js';

export type ReasoningInputs = StatementInputs & StatementLabels;

/** Whether a statement about two images is true (NLVR2). */
export const visualReasoning: Task<{
  Example: VisualReasoningExample;
  Query: Statement;
  Prediction: Judgement;
  Reference: StatementReference;
  PredictOptions: Record<never, never>;
  Inputs: ReasoningInputs;
  Options: ReasoningOptions;
  Outputs: { logits: Tensor2D };
  Recipe: ReasoningRecipe;
}> = {
  name: 'visual-reasoning',
  normalizeOutput: true,
  labels: undefined,
  readsText: true,
  passes: 2,
  options: () => ({ classes: 2 }),
  preprocessor: defaultPreprocessor,
  recipe: reasoningRecipe,
  headSpecs,
  forward,
  loss,
  batch,
  query: ({ images, statement }) => ({ images, statement }),
  predict,
  reference,
  metric,
  guess,
  chance,
};
