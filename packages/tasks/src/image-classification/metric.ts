import type { ClassificationExample } from '@imglish/core';
import { checkLabel } from '../inputs/labels.js';
import { topKAccuracy } from '../metrics/top-k-accuracy.js';
import type { Metrics } from '../task.js';
import { type ScoredLabel, scoredLabels } from './predict.js';

/** The class of an example. */
export function reference({ id, label }: ClassificationExample, labels: readonly string[]): number {
  return checkLabel('imageClassification.reference', id, label, labels);
}

/** Share of images whose class is the most probable one, and one of the five most probable. */
export function metric(
  predictions: readonly ScoredLabel[][],
  references: readonly number[],
): Metrics {
  const rankings = predictions.map((labels) => labels.map(({ index }) => index));
  return {
    accuracy: topKAccuracy(rankings, references, 1),
    top5: topKAccuracy(rankings, references, 5),
  };
}

/** The most frequent class, which is all that can be said without looking. */
export function guess(references: readonly number[], labels: readonly string[]): ScoredLabel[] {
  const counts = new Array<number>(labels.length).fill(0);
  for (const label of references) counts[label]! += 1;
  return scoredLabels(
    counts.map((count) => count / references.length),
    labels,
    5,
  );
}

/** Of classes drawn at random. */
export function chance(_references: readonly number[], labels: readonly string[]): Metrics {
  return { accuracy: 1 / labels.length, top5: Math.min(1, 5 / labels.length) };
}
