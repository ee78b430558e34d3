import path from 'node:path';
import { ConfigError, DataError, rejectUnknownKeys } from '@imglish/core';
import { fileSink } from '@imglish/core/node';
import { checkCount } from '../dataset/dataset.js';
import type { DataFormat, DataTask, NormalizeAnswer, SplitOf } from '../formats/format.js';
import { dataFormat } from '../formats/formats.js';
import type { DataFiles } from '../records/files.js';
import { recordError } from '../records/record-error.js';
import {
  ANSWER_FILE,
  answerVocabulary,
  formatAnswerVocabulary,
} from '../vqav2/answer-vocabulary.js';
import { fileReader } from './file-reader.js';
import { fileRoot } from './file-root.js';
import { type IndexWriter, writeIndex } from './record-index.js';

export interface PrepareDataOptions {
  /** Of a format that serves several tasks, the one that is meant; needed for one's own data. */
  readonly task?: DataTask;
  /** By default all that are there. */
  readonly splits?: readonly string[];
  /** Stop after this many problems; default 20. */
  readonly limitErrors?: number;
  /** Decode every picture too; default false. */
  readonly decode?: boolean;
  /** Brings answers into one form for the vocabulary; needed for visual question answering. */
  readonly normalizeAnswer?: NormalizeAnswer;
  /** How many questions an answer needs to be in the vocabulary; default 9 (VQAv2) or 1 (one's own). */
  readonly leastCount?: number;
  /** Told of every record that was checked. */
  readonly onRecord?: (split: string, count: number) => void;
}

export interface PreparedSplit {
  readonly split: string;
  readonly examples: number;
  /** Sums of what the format counts, such as captions or objects. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface PreparedData {
  readonly format: string;
  readonly task: DataTask;
  readonly splits: readonly PreparedSplit[];
  /** How many labels there are, or answers. */
  readonly labels?: number;
  /** What was written; nothing where there are problems. */
  readonly written: readonly string[];
  readonly problems: readonly DataError[];
  /** Whether the problems are so many that checking ended before the data did. */
  readonly stopped: boolean;
}

/** Thrown, never out of this file, once there are enough problems. */
const ENOUGH: unique symbol = Symbol('enough problems');

/**
 * Checks a data set and writes down what need not be found again: `answer2label.txt` where answers
 * need a vocabulary and have none, and `ROOT/.imglish/*.jsonl`, the checked records of each split.
 *
 * Problems are collected, not thrown; where there is one, nothing is written. Files appear whole.
 *
 * @throws ConfigError `config/unknown-format`, `config/option`; DataError `data/no-format` (the files
 * of that format are not there); IoError.
 */
export async function prepareData(
  formatName: string,
  root: string,
  options: PrepareDataOptions = {},
): Promise<PreparedData> {
  rejectUnknownKeys('prepareData', options, [
    'task',
    'splits',
    'limitErrors',
    'decode',
    'normalizeAnswer',
    'leastCount',
    'onRecord',
  ]);
  const format = dataFormat(formatName);
  const task = taskOf(format, options.task);
  const files = fileRoot(root);
  if (!(await format.isIn(files, task))) {
    throw recordError('no-format', root, `${format.name}: ${format.description}`, 'none', {
      fix: 'See docs/data.md for its layout.',
    });
  }
  const problems: DataError[] = [];
  const { limitErrors = 20, decode = false, onRecord } = options;
  checkCount('prepareData', 'limitErrors', limitErrors, 1);
  const note = (error: DataError): void => {
    problems.push(error);
    if (problems.length >= limitErrors) throw ENOUGH;
  };
  const indices: IndexWriter<unknown>[] = [];
  const splits: PreparedSplit[] = [];
  let answers: string[] | undefined;
  let labels: number | undefined;
  let stopped = false;
  try {
    for (const split of options.splits ?? (await format.splits(files, task))) {
      const of: SplitOf = { files, split, task };
      const index = await writeIndex(root, format, of);
      indices.push(index);
      const check = decode ? pictureCheck(format, root) : undefined;
      splits.push(await prepareSplit(format, of, { index, note, check, onRecord }));
    }
    answers = await vocabularyOf(format, { files, task }, options, note);
    const first = splits[0];
    if (answers) labels = answers.length;
    else if (first) labels = (await format.labels?.({ files, task, split: first.split }))?.length;
  } catch (error) {
    stopped = true;
    if (error instanceof DataError) problems.push(error);
    else if (error !== ENOUGH) {
      await abortAll(indices);
      throw error;
    }
  }
  const written: string[] = [];
  if (problems.length > 0) await abortAll(indices);
  else {
    if (answers) written.push(await writeAnswers(root, answers));
    for (const index of indices) {
      await index.close();
      written.push(index.file);
    }
  }
  return {
    format: format.name,
    task,
    splits,
    ...(labels !== undefined && { labels }),
    written,
    problems,
    stopped,
  };
}

interface SplitWork {
  readonly index: IndexWriter<unknown>;
  readonly note: (error: DataError) => void;
  readonly check: ((record: unknown) => Promise<void>) | undefined;
  readonly onRecord: PrepareDataOptions['onRecord'];
}

async function prepareSplit(
  format: DataFormat,
  of: SplitOf,
  { index, note, check, onRecord }: SplitWork,
): Promise<PreparedSplit> {
  const counts: Record<string, number> = {};
  let examples = 0;
  for await (const record of format.records(of, note)) {
    try {
      await check?.(record);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      note(error);
    }
    await index.write(record);
    for (const [name, count] of Object.entries(format.count?.(record) ?? {})) {
      counts[name] = (counts[name] ?? 0) + count;
    }
    examples++;
    onRecord?.(of.split, examples);
  }
  if (examples === 0) {
    note(recordError('empty', of.files.name, `examples of the split ${of.split}`, 'none'));
  }
  return { split: of.split, examples, counts };
}

/** Reads the pictures of a record, for what is wrong with them. */
function pictureCheck(format: DataFormat, root: string): (record: unknown) => Promise<void> {
  const reader = fileReader(root);
  return async (record) => {
    await format.example(record, reader);
  };
}

function taskOf(format: DataFormat, given: DataTask | undefined): DataTask {
  const choices = format.tasks.join(', ');
  if (given === undefined && format.perTask) {
    throw new ConfigError({
      code: 'config/missing-option',
      where: 'prepareData',
      expected: `the task that ${format.name} is for: ${choices}`,
      got: 'none',
    });
  }
  const task = given ?? format.tasks[0]!;
  if (format.tasks.includes(task)) return task;
  throw new ConfigError({
    code: 'config/option',
    where: 'prepareData',
    expected: `a task of ${format.name}: ${choices}`,
    got: task,
  });
}

/** The vocabulary to write, where answers need one and there is none. */
async function vocabularyOf(
  format: DataFormat,
  { files, task }: { files: DataFiles; task: DataTask },
  { normalizeAnswer, leastCount }: PrepareDataOptions,
  note: (error: DataError) => void,
): Promise<string[] | undefined> {
  if (task !== 'visual-question-answering' || !format.answers) return undefined;
  const isThere = (await files.list(''))?.includes(ANSWER_FILE) ?? false;
  if (isThere) {
    if (leastCount === undefined) return undefined;
    throw new ConfigError({
      code: 'config/option',
      where: 'prepareData',
      expected: `no leastCount where ${ANSWER_FILE} is there`,
      got: String(leastCount),
      fix: `Remove ${ANSWER_FILE} to have it made again; models trained with it will no longer fit.`,
    });
  }
  if (!normalizeAnswer) {
    throw new ConfigError({
      code: 'config/missing-option',
      where: 'prepareData',
      expected: 'normalizeAnswer, to make the vocabulary of answers',
      got: 'none',
    });
  }
  const majority = format.answers.majority(files, note);
  const answers = await answerVocabulary(
    majority,
    normalizeAnswer,
    leastCount ?? format.answers.leastCount,
  );
  if (answers.length > 0) return answers;
  const expected = `an answer that ${leastCount ?? format.answers.leastCount} questions have`;
  throw recordError('empty', files.name, expected, 'none', {
    fix: 'Ask for fewer with leastCount (--least-count).',
  });
}

async function writeAnswers(root: string, answers: readonly string[]): Promise<string> {
  const file = path.join(root, ANSWER_FILE);
  const sink = await fileSink(file);
  await sink.write(new TextEncoder().encode(formatAnswerVocabulary(answers)));
  await sink.close();
  return file;
}

async function abortAll(indices: readonly IndexWriter<unknown>[]): Promise<void> {
  for (const index of indices) await index.abort();
}
