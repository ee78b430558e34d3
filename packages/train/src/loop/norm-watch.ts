import { ConfigError, TrainError } from '@imglish/core';
import { describeWarning, type ExplodingNorm } from './warnings.js';

/** When gradient norms count as exploding: above `factor` × their running median, `steps` times in a row. */
export interface NormRule {
  /** Default 10. */
  factor?: number;
  /** Default 5. */
  steps?: number;
  /** Norms that the median is taken over, default 100. */
  window?: number;
  /** Whether to go on with a warning, once for all steps in a row, or to stop. Default `warn`. */
  action?: 'warn' | 'stop';
}

/** Fewer norms than this have no median to speak of. */
const LEAST = 10;

/** Shown the norm of each step; the warning that is due. Throws `train/exploding-norm`, if it may stop. */
export type NormWatch = (step: number, gradientNorm: number) => ExplodingNorm | undefined;

export function normWatch({
  factor = 10,
  steps = 5,
  window = 100,
  action = 'warn',
}: NormRule = {}): NormWatch {
  checkRule(factor, steps, window);
  const norms: number[] = [];
  let inARow = 0;
  return (step, gradientNorm) => {
    norms.push(gradientNorm);
    if (norms.length > window) norms.shift();
    const median = medianOf(norms);
    inARow = norms.length > LEAST && gradientNorm > factor * median ? inARow + 1 : 0;
    if (inARow !== steps) return undefined;
    const warning: ExplodingNorm = { kind: 'exploding-norm', step, gradientNorm, median, steps };
    if (action === 'warn') return warning;
    throw new TrainError({
      code: 'train/exploding-norm',
      where: 'train',
      expected: `gradient norms within ${factor} times their median`,
      got: describeWarning(warning),
      fix: 'Go on from an earlier checkpoint with a lower learning rate, a longer warm-up or clipping.',
    });
  };
}

/** The lower one of two in the middle. */
function medianOf(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

function checkRule(factor: number, steps: number, window: number): void {
  const expected = `a factor of at least 1, steps of at least 1, a window of more than ${LEAST} and twice the steps`;
  const holds =
    factor >= 1 &&
    Number.isInteger(steps) &&
    steps >= 1 &&
    Number.isInteger(window) &&
    window > Math.max(LEAST, 2 * steps);
  if (holds) return;
  const got = JSON.stringify({ factor, steps, window });
  throw new ConfigError({ code: 'train/options', where: 'train', expected, got });
}
