import type { DataFormat, DataTask, FileReader, SplitOf } from '../formats/format.js';
import { type Fields, fieldsOf, uniqueIds } from '../records/fields.js';
import { byCodePoint, type DataFiles, hasFile, joinPath } from '../records/files.js';
import { type Pictures, picturesOf } from '../records/pictures.js';
import { checked, ignoreProblem, type OnProblem, recordError } from '../records/record-error.js';
import { rankOf } from '../records/subsets.js';
import { textLines } from '../records/text-lines.js';
import { vqav2 } from '../vqav2/vqav2.js';
import { metadataFile, metadataRows } from './metadata-rows.js';
import { majorityAnswer, taskRows } from './task-rows.js';

const LABELS = 'labels.txt';
/** Rows that name no split belong to this one. */
const DEFAULT_SPLIT = 'train';

/** A row that was checked, and the task it is for. */
export interface MetadataRecord {
  readonly task: DataTask;
  readonly id: string;
  /** What the task's own form of record says. */
  readonly row: unknown;
}

/**
 * One's own data: a folder with a `metadata.jsonl` or `metadata.csv`, one example a row, or one such
 * folder for each split (`ROOT/train/metadata.jsonl`). In a single file a field `split` says where a
 * row belongs (`train` by default). Pictures are named by their paths from the metadata file.
 *
 * | task | fields |
 * |---|---|
 * | all | `id` (default: the path of the picture, or the number of the line), `split` |
 * | image-classification | `image`, `label` |
 * | visual-question-answering | `image`, `question`, `answer` or `answers`, `kind`, `image_id` |
 * | visual-reasoning | `left`, `right`, `statement`, `label` (true or false) |
 * | image-captioning, image-text-retrieval | `image`, `caption` or `captions` |
 * | object-detection | `image`, `objects: [{label, box: [left, top, width, height], segmentation?, crowd?}]` |
 * | semantic-segmentation | `image`, `segmentation` (a gray or palette PNG) |
 *
 * `file_name` may stand for `image`. The classes are those of `ROOT/labels.txt`, one a line, or the
 * labels of the split `train` in the order of their code points; of semantic segmentation, line 1 is
 * label 0, and `labels.txt` is needed.
 *
 * Problems: `data/bad-record`, `data/bad-json`, `data/bad-csv`, `data/missing-image`,
 * `data/outside-folder`, `data/duplicate-id`, `data/unknown-class`.
 */
export const metadata: DataFormat<MetadataRecord, unknown> = {
  name: 'metadata',
  description: 'your own: metadata.jsonl or metadata.csv and pictures',
  tasks: [
    'image-classification',
    'visual-question-answering',
    'visual-reasoning',
    'image-captioning',
    'image-text-retrieval',
    'object-detection',
    'semantic-segmentation',
  ],
  perTask: true,

  isIn: async (files) => (await placesOf(files)).length > 0,

  async splits(files) {
    const splits = new Set<string>();
    for (const { folder, file } of await placesOf(files)) {
      if (folder !== '') {
        splits.add(folder);
        continue;
      }
      const found = checked(
        metadataRows(files, file, ignoreProblem),
        ({ value, place }) => splitOfRow(fieldsOf(value, place)),
        ignoreProblem,
      );
      for await (const split of found) splits.add(split);
    }
    return [...splits].sort((a, b) => rankOf(a) - rankOf(b));
  },

  async labels(of) {
    if (of.task === 'visual-question-answering') return vqav2.labels!(of);
    return classesOf(of);
  },

  async sources({ files }) {
    return [LABELS, ...(await placesOf(files)).map(({ file }) => file)];
  },

  async *records(of, onProblem) {
    const { files, task } = of;
    const rows = taskRows[task];
    const labels = rows.hasClasses
      ? new Map((await classesOf(of)).map((n, i) => [n, i]))
      : undefined;
    const pictures = picturesOf(files);
    const unique = uniqueIds();
    yield* checked(
      rowsOf(of, onProblem),
      async ({ fields, folder }) => {
        const within: Pictures = {
          ...pictures,
          require: (path, place) => pictures.require(joinPath(folder, path), place),
        };
        const { id, row } = await rows.parse(fields, within, labels);
        unique(id, fields.place);
        return { task, id, row };
      },
      onProblem,
    );
  },

  example: ({ task, id, row }: MetadataRecord, reader: FileReader) =>
    taskRows[task].example(id, row, reader),

  answers: {
    leastCount: 1,
    async *majority(files, onProblem) {
      const of: SplitOf = { files, split: DEFAULT_SPLIT, task: 'visual-question-answering' };
      yield* checked(rowsOf(of, onProblem), ({ fields }) => majorityAnswer(fields), onProblem);
    },
  },
};

interface Place {
  /** Of the metadata file; the empty text is the root. */
  readonly folder: string;
  readonly file: string;
}

async function placesOf(files: DataFiles): Promise<Place[]> {
  const places: Place[] = [];
  const root = await metadataFile(files, '');
  if (root !== undefined) return [{ folder: '', file: root }];
  for (const entry of (await files.list('')) ?? []) {
    if (!entry.endsWith('/') || entry.startsWith('.')) continue;
    const folder = entry.slice(0, -1);
    const file = await metadataFile(files, folder);
    if (file !== undefined) places.push({ folder, file });
  }
  return places;
}

async function* rowsOf(
  { files, split }: SplitOf,
  onProblem: OnProblem,
): AsyncGenerator<{ fields: Fields; folder: string }> {
  for (const { folder, file } of await placesOf(files)) {
    if (folder !== '' && folder !== split) continue;
    yield* checked(
      metadataRows(files, file, onProblem),
      ({ value, place }) => {
        const fields = fieldsOf(value, place);
        return folder !== '' || splitOfRow(fields) === split ? { fields, folder } : undefined;
      },
      onProblem,
    );
  }
}

function splitOfRow(fields: Fields): string {
  return fields.has('split') ? fields.text('split') : DEFAULT_SPLIT;
}

async function classesOf({ files, split, task }: SplitOf): Promise<string[]> {
  if (await hasFile(files, LABELS)) {
    const labels: string[] = [];
    for await (const { line, text } of textLines(files.read(LABELS), LABELS)) {
      const label = text.trim();
      if (labels.includes(label)) {
        throw recordError('duplicate-id', `${LABELS}, line ${line}`, 'each label once', label);
      }
      labels.push(label);
    }
    return labels;
  }
  if (task === 'semantic-segmentation') {
    throw recordError('no-labels', files.name, `a file ${LABELS}, one label a line`, 'none', {
      fix: 'Line 1 is the name of label 0.',
    });
  }
  const labels = new Set<string>();
  for (const name of new Set([DEFAULT_SPLIT, split])) {
    const rows = rowsOf({ files, split: name, task }, ignoreProblem);
    const texts = checked(rows, ({ fields }) => taskRows[task].labelsIn(fields), ignoreProblem);
    for await (const found of texts) for (const label of found) labels.add(label);
    if (labels.size > 0) break;
  }
  return [...labels].sort(byCodePoint);
}
