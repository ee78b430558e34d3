import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '@imglish/core';
import type { ValidationScore } from '@imglish/tasks';
import type { StepMetrics } from '@imglish/train';

/** How a model came to be: what `imglish finetune` wrote beside it. */
export interface RunHistory {
  readonly steps: readonly StepMetrics[];
  readonly scores: readonly ValidationScore[];
}

/** Where the parts of a run are, in the folder that was given as `--out`. */
export const RUN_FILES = {
  run: 'run',
  model: 'model',
  scores: 'scores.jsonl',
  report: 'report.html',
};

/** Of a folder without a run, or without scores, the history is empty. */
export async function readHistory(folder: string): Promise<RunHistory> {
  return {
    steps: await readLines<StepMetrics>(join(folder, RUN_FILES.run, 'log.jsonl')),
    scores: await readLines<ValidationScore>(join(folder, RUN_FILES.scores)),
  };
}

/**
 * The lines of JSON in a file, none where there is no such file; a last one that was cut off is left
 * out. Throws an `IoError`, `io/lines`.
 */
export async function readLines<T>(file: string): Promise<T[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return '';
    return refuse(file, cause);
  });
  const lines = text.split('\n').slice(0, -1);
  try {
    return lines.map((line) => JSON.parse(line) as T);
  } catch (cause) {
    return refuse(file, cause as Error);
  }
}

function refuse(file: string, cause: Error): never {
  throw new IoError({
    code: 'io/lines',
    where: 'readLines',
    expected: `lines of JSON in ${file}`,
    got: cause.message,
    cause,
  });
}
