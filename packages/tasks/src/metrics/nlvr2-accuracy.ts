import { DataError } from '@imglish/core';
import { checkSameLength, mean } from './same-length.js';

/** A judged statement beside the truth. */
export interface JudgedStatement {
  /** `identifier` of the official files: split, set of images, pair, statement, as `dev-850-0-1`. */
  readonly id: string;
  readonly prediction: boolean;
  readonly label: boolean;
}

/** Shares 0 … 1. */
export interface Nlvr2Accuracy {
  /** Of pairs of images. */
  readonly accuracy: number;
  /** Of statements that are judged right for each of their pairs of images. */
  readonly consistency: number;
}

/**
 * Accuracy and consistency as the official script of NLVR2 counts them.
 *
 * @throws DataError `data/metric-length` without statements, `data/nlvr2-identifier`.
 */
export function nlvr2Accuracy(statements: readonly JudgedStatement[]): Nlvr2Accuracy {
  checkSameLength('nlvr2Accuracy', statements.length, statements.length);
  const consistent = new Map<string, boolean>();
  const right = statements.map(({ id, prediction, label }) => {
    const statement = statementOf(id);
    const isRight = prediction === label;
    consistent.set(statement, isRight && (consistent.get(statement) ?? true));
    return isRight ? 1 : 0;
  });
  return {
    accuracy: mean(right),
    consistency: mean([...consistent.values()].map((always) => (always ? 1 : 0))),
  };
}

/** The identifier without its pair. */
function statementOf(id: string): string {
  const parts = id.split('-');
  if (parts.length !== 4) {
    throw new DataError({
      code: 'data/nlvr2-identifier',
      where: 'nlvr2Accuracy',
      expected: 'an identifier of split, set, pair and statement, such as dev-850-0-1',
      got: JSON.stringify(id),
    });
  }
  return [parts[0], parts[1], parts[3]].join('-');
}
