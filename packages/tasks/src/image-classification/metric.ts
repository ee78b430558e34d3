import type { ClassificationExample } from '@imglish/core';
import { checkLabel } from '../inputs/labels.js';
import { topKAccuracy } from '../metrics/top-k-accuracy.js';
import type { Metrics } from '../task.js';
import type { ScoredLabel } from './predict.js';

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
