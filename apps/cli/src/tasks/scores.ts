import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImglishError, IoError } from '@imglish/core';
import type { ValidationScore } from '@imglish/tasks';

/** The scores of a run so far, a line of JSON each. */
export interface ScoreLog {
  /** The highest first metric; none before the first score. */
  readonly best: number | undefined;
  add(score: ValidationScore): Promise<void>;
}

/** Opens or begins the log; throws an `IoError` where it cannot be read or written. */
export async function openScores(file: string): Promise<ScoreLog> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '';
    return refuse(file, cause);
  });
  const values = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Object.values((JSON.parse(line) as ValidationScore).metrics)[0]!);
  return {
    best: values.length > 0 ? Math.max(...values) : undefined,
    async add(score) {
      try {
        await mkdir(dirname(file), { recursive: true });
        await appendFile(file, `${JSON.stringify(score)}\n`);
      } catch (cause) {
        refuse(file, cause as Error);
      }
    },
  };
}

function refuse(file: string, cause: Error): never {
  if (ImglishError.isInstance(cause)) throw cause;
  throw new IoError({
    code: 'io/scores',
    where: 'openScores',
    expected: `to read and write ${file}`,
    got: cause.message,
    cause,
  });
}
