import { DataError } from '@imglish/core';

/** The index of a class as an example has it; `data/label` where there is no such class. */
export function checkLabel(
  where: string,
  id: string,
  label: number,
  labels: readonly string[],
): number {
  if (Number.isInteger(label) && label >= 0 && label < labels.length) return label;
  throw new DataError({
    code: 'data/label',
    where,
    expected: `a class from 0 to ${labels.length - 1}`,
    got: `${label} for the example ${JSON.stringify(id)}`,
    fix: 'Do the data belong to the classes of the model?',
  });
}
