import { type FilledText, fillText } from '@imglish/pretrain';
import type { TopOptions } from '../image-classification/predict.js';
import { requireTokenizer } from '../inputs/texts.js';
import type { TaskModel } from '../task.js';

/** Each text with its blanks filled in: every `<mask>` in it stands for one piece. */
export async function predict(
  model: TaskModel,
  queries: readonly { text: string }[],
  options: TopOptions = {},
): Promise<FilledText[]> {
  const tokenizer = requireTokenizer('fillMask.predict', model);
  const filled: FilledText[] = [];
  for (const { text } of queries)
    filled.push(await fillText({ ...model, tokenizer }, text, options));
  return filled;
}
