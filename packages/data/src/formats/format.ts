import type {
  ClassificationExample,
  Dataset,
  InstanceExample,
  LabelledDataset,
  PairExample,
  RgbImage,
  SegmentationExample,
  VisualReasoningExample,
  VqaExample,
} from '@imglish/core';
import type { DataFiles } from '../records/files.js';
import type { OnProblem } from '../records/record-error.js';

/** What each task reads. */
export interface TaskData {
  'image-classification': LabelledDataset<ClassificationExample>;
  /** `labels` is the vocabulary of answers. */
  'visual-question-answering': LabelledDataset<VqaExample>;
  'visual-reasoning': Dataset<VisualReasoningExample>;
  'image-captioning': Dataset<PairExample>;
  'image-text-retrieval': Dataset<PairExample>;
  'object-detection': LabelledDataset<InstanceExample>;
  'semantic-segmentation': LabelledDataset<SegmentationExample>;
}

export type DataTask = keyof TaskData;

/** What a file of a data set becomes when it is asked for. */
export interface FileReader {
  image(path: string, place: string): Promise<RgbImage>;
  bytes(path: string, place: string): Promise<Uint8Array>;
}

/** What one split of a format needs to know. */
export interface SplitOf {
  readonly files: DataFiles;
  readonly split: string;
  /** Of a format that serves several tasks, the one that is meant. */
  readonly task: DataTask;
}

/** A function that brings the texts of answers into one form, such as `normalizeAnswer`. */
export type NormalizeAnswer = (answer: string) => string;

/**
 * A form in which data sets come. `records` reads and checks everything of a split but the pixels, and
 * gives plain JSON values; `example` turns one into what the task takes. So records can be written
 * down once and read back quickly.
 */
export interface DataFormat<R = unknown, E = unknown> {
  readonly name: string;
  /** What it is, in a few words. */
  readonly description: string;
  readonly tasks: readonly DataTask[];
  /** Whether records differ from task to task; those of most formats serve all of theirs. */
  readonly perTask?: boolean;
  /** Whether the folder is of this format; looks at names only. */
  isIn(files: DataFiles, task: DataTask): Promise<boolean>;
  /** The splits that are there, in a fixed order; may read whole files. */
  splits(files: DataFiles, task: DataTask): Promise<readonly string[]>;
  /** Files and folders whose change makes records written down earlier stale. */
  sources(of: SplitOf): Promise<readonly string[]>;
  records(of: SplitOf, onProblem: OnProblem): AsyncIterable<R>;
  example(record: R, reader: FileReader): Promise<E>;
  /** Names of the classes, where there are classes; of questions, see `answers`. */
  labels?(of: SplitOf): Promise<readonly string[]>;
  /** The texts from which the vocabulary of answers is made: of each question, that of most people. */
  answers?: {
    /** How many questions an answer must have for it to be in the vocabulary. */
    readonly leastCount: number;
    majority(files: DataFiles, onProblem: OnProblem): AsyncIterable<string>;
  };
  /** Numbers worth a line in a summary. */
  count?(record: R): Readonly<Record<string, number>>;
}
