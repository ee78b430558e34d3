import { DataError, draw, type TextExample } from '@imglish/core';
import type { FilledText } from '@imglish/pretrain';
import type { Metrics } from '../task.js';

/** A text with one word left out, and that word. */
export interface BlankedText {
  readonly id: string;
  readonly text: string;
  readonly word: string;
}

/** Leaves out a word, drawn by the text's id: the same one every time. */
export function blanked({ id, text }: TextExample): BlankedText {
  const words = text.trim().split(/\s+/);
  if (words[0] === '') {
    throw new DataError({
      code: 'data/empty-text',
      where: 'fillMask',
      expected: 'texts with at least one word',
      got: `none in ${JSON.stringify(id)}`,
    });
  }
  const at = draw(0, `blank of ${id}`).integer(words.length);
  const word = words[at]!;
  return { id, text: words.toSpliced(at, 1, '<mask>').join(' '), word };
}

/**
 * Share of left-out words that are found, as the first guess and among the five first. A word of several
 * pieces cannot be: a blank stands for one.
 */
export function metric(
  predictions: readonly FilledText[],
  references: readonly BlankedText[],
): Metrics {
  const within = (k: number) => {
    const found = predictions.filter(({ blanks }, i) =>
      blanks[0]!.slice(0, k).some(({ piece }) => plain(piece) === plain(references[i]!.word)),
    );
    return found.length / predictions.length;
  };
  return { accuracy: within(1), top5: within(5) };
}

/** Without the mark of a space before it. */
function plain(word: string): string {
  return word.replaceAll('\u2581', '').normalize('NFKC');
}
