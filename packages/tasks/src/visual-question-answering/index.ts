import type { VqaExample } from '@imglish/core';
import { defaultPreprocessor } from '@imglish/tokenizers';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { TopOptions } from '../image-classification/predict.js';
import type { Task } from '../task.js';
import { batch } from './batch.js';
import { type AnsweringOptions, forward, headSpecs, type QuestionInputs } from './head.js';
import { type AnswerScores, loss } from './loss.js';
import { type AnswerReference, chance, guess, metric, reference } from './metric.js';
import { predict, type Question, type ScoredAnswer } from './predict.js';
import { type AnsweringRecipe, answeringRecipe } from './recipe.js';

export type AnsweringInputs = QuestionInputs & AnswerScores;

/** Answers a question about an image from a fixed vocabulary of answers (VQAv2). */
export const visualQuestionAnswering: Task<{
  Example: VqaExample;
  Query: Question;
  Prediction: ScoredAnswer[];
  Reference: AnswerReference;
  PredictOptions: TopOptions;
  Inputs: AnsweringInputs;
  Options: AnsweringOptions;
  Outputs: { logits: Tensor2D };
  Recipe: AnsweringRecipe;
}> = {
  name: 'visual-question-answering',
  normalizeOutput: false,
  labels: 'answers',
  readsText: true,
  options: (labels) => ({ answers: labels.length }),
  preprocessor: defaultPreprocessor,
  recipe: answeringRecipe,
  headSpecs,
  forward,
  loss,
  batch,
  query: ({ image, question }) => ({ image, question }),
  predict,
  reference,
  metric,
  guess,
  chance,
};
