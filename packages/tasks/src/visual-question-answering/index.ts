import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Task } from '../task.js';
import { type AnsweringOptions, forward, headSpecs, type QuestionInputs } from './head.js';
import { type AnswerScores, loss } from './loss.js';

export type AnsweringInputs = QuestionInputs & AnswerScores;

/** Answers a question about an image from a fixed vocabulary of answers (VQAv2). */
export const visualQuestionAnswering: Task<
  AnsweringInputs,
  AnsweringOptions,
  { logits: Tensor2D }
> = { name: 'visual-question-answering', normalizeOutput: false, headSpecs, forward, loss };
