import { ConfigError, DataError, type Dataset, type LabelledDataset } from '@imglish/core';
import { arrayDataset, dataFormats, mapDataset } from '@imglish/data';
import { openTaskData, openTextFiles } from '@imglish/data/node';
import { blind, normalizeAnswer, type Task } from '@imglish/tasks';

export interface TaskDataOptions {
  /** Grey in the place of every image. */
  blind?: boolean | undefined;
  /** Questions without an answer of the vocabulary are left out, as the reference does to train. */
  forTraining?: boolean;
  /** Classes of the model, for texts with classes; by default those of the data. */
  labels?: readonly string[] | undefined;
}

export interface OpenedData {
  data: Dataset<object>;
  /** Classes or answers; none where the task has none. */
  labels?: readonly string[] | undefined;
}

/**
 * A split of a data set for a task. Texts to fill in are the lines of a text file, texts with classes
 * lines of `class<tab>text`; for those two `root` may be the file itself, or the folder with SPLIT.txt.
 */
export async function openDataOf(
  task: Task,
  root: string,
  split: string,
  { blind: isBlind = false, forTraining = false, labels: known }: TaskDataOptions = {},
): Promise<OpenedData> {
  const file = /\.\w+$/.test(root) ? root : `${root}/${split}.txt`;
  if (task.name === 'fill-mask') return { data: await openTextFiles([file]) };
  if (task.name === 'text-classification') return openClassifiedTexts(file, known);
  const readable = new Set<string>(dataFormats.flatMap(({ tasks }) => tasks));
  if (!readable.has(task.name)) {
    throw new ConfigError({
      code: 'config/no-format',
      where: 'openDataOf',
      expected: `a task whose data can be read: ${[...readable].join(', ')}`,
      got: task.name,
    });
  }
  const vqa = task.name === 'visual-question-answering';
  const opened = await openTaskData(task.name as 'image-captioning', root, split, {
    ...(vqa ? { normalizeAnswer, onlyAnswerable: forTraining } : {}),
  });
  const { labels } = opened as Partial<LabelledDataset<object>>;
  return { data: isBlind ? mapDataset(opened as Dataset<object>, blind) : opened, labels };
}

async function openClassifiedTexts(
  file: string,
  known: readonly string[] | undefined,
): Promise<OpenedData> {
  const lines = await openTextFiles([file]);
  const rows: { id: string; text: string; name: string }[] = [];
  for (let i = 0; i < lines.size; i++) {
    const { id, text } = await lines.get(i);
    const [name, ...rest] = text.split('\t');
    if (rest.length === 0) {
      throw new ConfigError({
        code: 'config/text-classes',
        where: 'openDataOf',
        expected: 'lines of a class, a tab and a text',
        got: `${JSON.stringify(text.slice(0, 80))} at ${id}`,
      });
    }
    rows.push({ id, text: rest.join('\t'), name: name! });
  }
  const labels = known ?? [...new Set(rows.map(({ name }) => name))].sort();
  const other = rows.find(({ name }) => !labels.includes(name));
  if (other) {
    throw new DataError({
      code: 'data/unknown-class',
      where: 'openDataOf',
      expected: `one of the classes of the model: ${labels.join(', ')}`,
      got: `${JSON.stringify(other.name)} at ${other.id}`,
    });
  }
  const examples = rows.map(({ id, text, name }) => ({ id, text, label: labels.indexOf(name) }));
  return { data: arrayDataset(examples), labels };
}
