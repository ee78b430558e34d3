import { DataError } from '@imglish/core';

/** Throws `data/metric-length` unless there is one reference for each prediction, and at least one. */
export function checkSameLength(where: string, predictions: number, references: number): void {
  if (predictions === references && predictions > 0) return;
  throw new DataError({
    code: 'data/metric-length',
    where,
    expected: 'one reference for each prediction, and at least one of them',
    got: `${predictions} predictions and ${references} references`,
  });
}

/** The mean of at least one number. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
