import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Task } from '../task.js';
import { forward, headSpecs, type ReasoningOptions, type StatementInputs } from './head.js';
import { loss, type StatementLabels } from './loss.js';

export type ReasoningInputs = StatementInputs & StatementLabels;

/** Whether a statement about two images is true (NLVR2). */
export const visualReasoning: Task<ReasoningInputs, ReasoningOptions, { logits: Tensor2D }> = {
  name: 'visual-reasoning',
  normalizeOutput: true,
  headSpecs,
  forward,
  loss,
};
