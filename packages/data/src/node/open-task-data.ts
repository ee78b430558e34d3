import { ConfigError, type Dataset, type LabelledDataset, rejectUnknownKeys } from '@imglish/core';
import { arrayDataset, concatDatasets, mapDataset, subset } from '../dataset/dataset.js';
import type { DataFormat, DataTask, FileReader, SplitOf, TaskData } from '../formats/format.js';
import { dataFormat, findFormat } from '../formats/formats.js';
import { hasFile } from '../records/files.js';
import { recordError, throwProblem } from '../records/record-error.js';
import type { EncodedPair } from '../streaming/encoded-pair.js';
import { ANSWER_FILE, answerVocabulary } from '../vqav2/answer-vocabulary.js';
import { type FileReaderOptions, fileReader } from './file-reader.js';
import { fileRoot } from './file-root.js';
import { readIndex } from './record-index.js';

export interface OpenTaskDataOptions extends FileReaderOptions {
  /** Name of the format, such as `vqav2`; by default the one whose files are there. */
  readonly format?: string;
  /**
   * Visual question answering where there is no `answer2label.txt`: the vocabulary is made of the
   * annotations, with answers brought into this form. Without it, a missing file is an error.
   */
  readonly normalizeAnswer?: (answer: string) => string;
  /**
   * Visual question answering: leave out questions none of whose answers is in the vocabulary, as the
   * reference does for training; default false.
   */
  readonly onlyAnswerable?: boolean;
}

/**
 * Opens a split of a data set in any of the formats that are read (`dataFormats`), for a task. Several
 * splits are joined by `+`: `train+trainable-val`.
 *
 * Where `imglish prepare` has written an index that still fits, it is read, in seconds; else the
 * official files are read and checked, and every problem is thrown. Pictures are decoded by `get`.
 *
 * @throws DataError `data/no-format`, `data/no-split`, `data/empty`, `data/no-answer-vocabulary`, and
 * what the format names; ConfigError `config/unknown-format`, `config/option`; IoError.
 */
export async function openTaskData<T extends DataTask>(
  task: T,
  root: string,
  split: string,
  options: OpenTaskDataOptions = {},
): Promise<TaskData[T]> {
  rejectUnknownKeys('openTaskData', options, [
    'format',
    'normalizeAnswer',
    'onlyAnswerable',
    'decode',
    'keepBytes',
  ]);
  const { decode, keepBytes } = options;
  const reader = fileReader(root, {
    ...(decode && { decode }),
    ...(keepBytes !== undefined && { keepBytes }),
  });
  const opened = await openExamples(task, root, split, options, reader);
  const { examples, labels } = opened;
  return (labels ? withLabels(examples, labels) : examples) as unknown as TaskData[T];
}

/** `openTaskData` of captioned pictures, with pictures as they are stored. */
export function openEncodedPairs(
  root: string,
  split: string,
  options: Pick<OpenTaskDataOptions, 'format'> = {},
): Promise<Dataset<EncodedPair>> {
  const { bytes } = fileReader(root);
  return openCaptioned(root, split, options, bytes);
}

/** The captions alone; no picture is read. */
export function openCaptions(
  root: string,
  split: string,
  options: Pick<OpenTaskDataOptions, 'format'> = {},
): Promise<Dataset<Pick<EncodedPair, 'id' | 'captions'>>> {
  return openCaptioned(root, split, options, async () => undefined);
}

/** Formats hand on what a reader gives for a picture, whatever it is. */
async function openCaptioned<P>(
  root: string,
  split: string,
  options: Pick<OpenTaskDataOptions, 'format'>,
  picture: (file: string, place: string) => Promise<P>,
): Promise<Dataset<{ id: string; image: P; captions: readonly string[] }>> {
  rejectUnknownKeys('openCaptioned', options, ['format']);
  const reader = { ...fileReader(root), image: picture } as unknown as FileReader;
  const { examples } = await openExamples('image-captioning', root, split, options, reader);
  return examples as Dataset<{ id: string; image: P; captions: readonly string[] }>;
}

async function openExamples(
  task: DataTask,
  root: string,
  split: string,
  options: OpenTaskDataOptions,
  reader: FileReader,
): Promise<{ examples: Dataset<unknown>; labels: readonly string[] | undefined }> {
  const files = fileRoot(root);
  const format = options.format ? dataFormat(options.format) : await findFormat(files, task);
  checkTask(format, task);
  const splits = split.split('+').map((name): SplitOf => ({ files, split: name, task }));
  const labels = await labelsOf(format, splits[0]!, options.normalizeAnswer);
  let records = concatDatasets(
    ...(await Promise.all(splits.map((of) => recordsOf(root, format, of)))),
  );
  if (options.onlyAnswerable) records = await answerable(records, new Set(labels));
  return { examples: mapDataset(records, (record) => format.example(record, reader)), labels };
}

function withLabels<E>(examples: Dataset<E>, labels: readonly string[]): LabelledDataset<E> {
  return { ...examples, labels };
}

function checkTask(format: DataFormat, task: DataTask): void {
  if (format.tasks.includes(task)) return;
  throw new ConfigError({
    code: 'config/option',
    where: 'openTaskData',
    expected: `a format for ${task}`,
    got: `${format.name}, which is for ${format.tasks.join(', ')}`,
  });
}

async function labelsOf(
  format: DataFormat,
  of: SplitOf,
  normalize: OpenTaskDataOptions['normalizeAnswer'],
): Promise<readonly string[] | undefined> {
  const makes = of.task === 'visual-question-answering' && format.answers && normalize;
  if (makes && !(await hasFile(of.files, ANSWER_FILE))) {
    const { majority, leastCount } = format.answers!;
    return answerVocabulary(majority(of.files, throwProblem), normalize, leastCount);
  }
  const { task } = of;
  const hasLabels =
    task !== 'visual-reasoning' && !task.startsWith('image-text') && task !== 'image-captioning';
  return hasLabels ? format.labels?.(of) : undefined;
}

async function recordsOf(root: string, format: DataFormat, of: SplitOf): Promise<Dataset<unknown>> {
  const index = await readIndex(root, format, of);
  if (index) return index;
  const records: unknown[] = [];
  for await (const record of format.records(of, throwProblem)) records.push(record);
  if (records.length > 0) return arrayDataset(records);
  const there = await format.splits(of.files, of.task);
  const got = there.includes(of.split) ? 'none' : `the splits ${there.join(', ') || '(none)'}`;
  const code = there.includes(of.split) ? 'empty' : 'no-split';
  throw recordError(code, root, `${format.name} examples of the split ${of.split}`, got);
}

async function answerable(
  records: Dataset<unknown>,
  vocabulary: ReadonlySet<string>,
): Promise<Dataset<unknown>> {
  const indices: number[] = [];
  for (let i = 0; i < records.size; i++) {
    const { answers, row } = (await records.get(i)) as {
      answers?: string[];
      row?: { answers?: string[] };
    };
    if ((answers ?? row?.answers)?.some((answer) => vocabulary.has(answer))) indices.push(i);
  }
  return subset(records, indices);
}
