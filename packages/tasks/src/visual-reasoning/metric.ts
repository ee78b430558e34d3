import type { VisualReasoningExample } from '@imglish/core';
import { nlvr2Accuracy } from '../metrics/nlvr2-accuracy.js';
import type { Metrics } from '../task.js';
import { labelOf } from './batch.js';
import type { Judgement } from './predict.js';

/** A statement and whether it holds. */
export interface StatementReference {
  readonly id: string;
  readonly statement: string;
  readonly label: boolean;
}

export function reference(example: VisualReasoningExample): StatementReference {
  const { id, statement } = example;
  return { id, statement, label: labelOf('visualReasoning.reference', example) };
}

/** Official accuracy and consistency (a statement right for each of its pairs of images), 0 … 1. */
export function metric(
  predictions: readonly Judgement[],
  references: readonly StatementReference[],
): Metrics {
  const { accuracy, consistency } = nlvr2Accuracy(
    references.map(({ id, label }, i) => ({ id, label, prediction: predictions[i]!.label })),
  );
  return { accuracy, consistency };
}

/** The more frequent of true and false. */
export function guess(references: readonly StatementReference[]): Judgement {
  const probability = references.filter(({ label }) => label).length / references.length;
  return { label: probability > 0.5, probability };
}

/** Of a coin. */
export function chance(): Metrics {
  return { accuracy: 0.5 };
}
