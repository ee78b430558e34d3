import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { IoError } from '@imglish/core';
import type { ValidationScore } from '@imglish/tasks';
import { readLines } from './run-history.js';

/** The scores of a run so far, a line of JSON each. */
export interface ScoreLog {
  /** The highest first metric; none before the first score. */
  readonly best: number | undefined;
  add(score: ValidationScore): Promise<void>;
  /** Removes the scores after `step`: of updates that a run which was killed makes again. */
  cutAfter(step: number): Promise<void>;
}

/** Opens or begins the log; throws an `IoError` where it cannot be read or written. */
export async function openScores(file: string): Promise<ScoreLog> {
  let scores = await readLines<ValidationScore>(file);
  return {
    get best() {
      const values = scores.map(({ metrics }) => Object.values(metrics)[0]!);
      return values.length > 0 ? Math.max(...values) : undefined;
    },
    async add(score) {
      scores.push(score);
      await writing(file, () => appendFile(file, lineOf(score)));
    },
    async cutAfter(step) {
      scores = scores.filter((score) => score.step <= step);
      await writing(file, () => writeFile(file, scores.map(lineOf).join('')));
    },
  };
}

function lineOf(score: ValidationScore): string {
  return `${JSON.stringify(score)}\n`;
}

async function writing(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await write();
  } catch (cause) {
    throw new IoError({
      code: 'io/scores',
      where: 'openScores',
      expected: `to write ${file}`,
      got: (cause as Error).message,
      cause,
    });
  }
}
