import type { FilledText } from '@imglish/pretrain';
import { requireTokenizer } from '../inputs/texts.js';
import type { TaskModel } from '../task.js';
import type { FilledMask } from './results.js';

/** Candidates of the only blank of a text, or of each of several. */
export function fillMasks(
  model: TaskModel,
  text: string,
  { blanks }: FilledText,
): FilledMask[] | FilledMask[][] {
  const tokenizer = requireTokenizer('pipeline fill-mask', model);
  const ids = [...tokenizer.encode(text)];
  const slots = [...ids.keys()].filter((i) => ids[i] === tokenizer.maskId);
  slots.forEach((slot, blank) => {
    ids[slot] = blanks[blank]![0]!.id;
  });
  const filled = blanks.map((guesses, blank) =>
    guesses.map(({ id, probability }) => ({
      score: probability,
      token: id,
      token_str: tokenizer.decode([id]),
      sequence: tokenizer.decode(ids.map((own, i) => (i === slots[blank] ? id : own))),
    })),
  );
  return filled.length === 1 ? filled[0]! : filled;
}
