import { REPAIRED } from './contractions.js';

const PUNCTUATION = [...';/[]"{}()=+\\_-><@`,?!'];
const ARTICLES: ReadonlySet<string> = new Set(['a', 'an', 'the']);
const NUMBERS: ReadonlyMap<string, string> = new Map([
  ['none', '0'],
  ...['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'].map(
    (word, number) => [word, String(number)] as const,
  ),
]);
/** White space of Python's `str.split`, but for four control characters that nobody types. */
const SPACES = /\p{White_Space}+/u;

/**
 * An answer as the evaluation of VQA compares it (vqaEval.py; the reference's `normalize_word` is
 * the same function): punctuation and periods removed, lower case, numbers to ten as digits, no
 * articles, contractions with their apostrophes.
 *
 * As there, punctuation beside a space vanishes and becomes a space elsewhere, all of it vanishes in
 * an answer with a comma between digits, and only the first 32 periods are removed, for a flag is
 * passed where the count belongs.
 */
export function normalizeAnswer(answer: string): string {
  return withoutPunctuation(answer)
    .toLowerCase()
    .split(SPACES)
    .filter((word) => word !== '')
    .map((word) => NUMBERS.get(word) ?? word)
    .filter((word) => !ARTICLES.has(word))
    .map((word) => REPAIRED.get(word) ?? word)
    .join(' ');
}

function withoutPunctuation(answer: string): string {
  const commaInNumber = /\p{Nd},\p{Nd}/u.test(answer);
  let text = answer;
  for (const mark of PUNCTUATION) {
    const vanishes = commaInNumber || answer.includes(`${mark} `) || answer.includes(` ${mark}`);
    text = text.replaceAll(mark, vanishes ? '' : ' ');
  }
  let left = 32;
  return text.replace(/\.(?!\p{Nd})/gu, (period) => (left-- > 0 ? '' : period));
}
