import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrokenRecord } from '@imglish/pretrain';
import { writeText } from '../model/write-file.js';

/** Records that a run passed over, a line of JSON each, in the run's folder. */
export interface BrokenFile {
  readonly path: string;
  /** What the run wrote before it was interrupted. */
  readonly known: readonly BrokenRecord[];
  append(records: readonly BrokenRecord[]): Promise<void>;
  /** Different records of the steps until `step`. */
  count(step: number): number;
}

/** Reads what there is; a last line that a crash cut off is removed. */
export async function openBrokenFile(folder: string): Promise<BrokenFile> {
  const path = join(folder, 'broken.jsonl');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) await writeText(path, whole);
  const lines = whole.split('\n').filter((line) => line !== '');
  const all = lines.map((line): BrokenRecord => JSON.parse(line));
  return {
    path,
    known: [...all],
    async append(records) {
      // Those of steps that are done again are there already.
      const isNew = (record: BrokenRecord) => !all.some((other) => isSame(record, other));
      const fresh = records.filter(isNew);
      all.push(...fresh);
      await appendFile(path, fresh.map((record) => `${JSON.stringify(record)}\n`).join(''));
    },
    count(step) {
      const met = all.filter((record) => record.step <= step);
      return new Set(met.map(({ index, where }) => `${index} ${where}`)).size;
    },
  };
}

function isSame(a: BrokenRecord, b: BrokenRecord): boolean {
  return a.step === b.step && a.index === b.index && a.where === b.where;
}
