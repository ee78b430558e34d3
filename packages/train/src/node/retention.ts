import { ConfigError } from '@imglish/core';

/** Which checkpoints of a run are kept; one that any of the rules keeps stays. */
export interface Retention {
  /** The latest so many, at least 1: there must be one to go on from. */
  last: number;
  /** Those whose step is a multiple of this, for ever. */
  multiplesOf?: number | undefined;
  /** So many with the lowest score. */
  best?: number | undefined;
}

export interface Scored {
  readonly step: number;
  /** Lower is better. */
  readonly score?: number | undefined;
}

/** Steps of the checkpoints that no rule keeps. Of equal scores, the later is better. */
export function stepsToRemove(
  checkpoints: readonly Scored[],
  { last, multiplesOf, best = 0 }: Retention,
): number[] {
  const latestFirst = [...checkpoints].sort((a, b) => b.step - a.step);
  const byScore = latestFirst
    .filter(({ score }) => score !== undefined)
    .sort((a, b) => a.score! - b.score!);
  const kept = new Set([...latestFirst.slice(0, last), ...byScore.slice(0, best)]);
  return latestFirst
    .filter((one) => !kept.has(one) && !(multiplesOf && one.step % multiplesOf === 0))
    .map(({ step }) => step);
}

/** The rule that is meant by a number, or a checked one. */
export function retentionOf(keep: number | Retention): Retention {
  const rule = typeof keep === 'number' ? { last: keep } : keep;
  const check = (key: keyof Retention, least: number): void => {
    const value = rule[key];
    if (value === undefined || (Number.isInteger(value) && value >= least)) return;
    throw new ConfigError({
      code: 'train/options',
      where: 'openRun',
      expected: `keep.${key}: a whole number of at least ${least}`,
      got: String(value),
    });
  };
  check('last', 1);
  check('multiplesOf', 1);
  check('best', 0);
  return rule;
}
