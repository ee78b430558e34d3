const LETTERS = 'A-Za-zŠŽšžŸÀ-ÖØ-öø-žЀ-ӿԀ-ԧꙀ-ꙮ꙾-ꚗᴀ-ᵿ';
const ALPHANUMERIC = `0-9${LETTERS}`;
/** Stands for a dot of several in a row, which no rule may touch. */
const DOT = '\ue000';

/** In this order; each one takes the characters beside a mark with it, so that they serve one mark only. */
const RULES: readonly (readonly [RegExp, string | ((dots: string) => string)])[] = [
  [new RegExp(`([^${ALPHANUMERIC}\\s.'\`,\\-‘’])`, 'gu'), ' $1 '],
  [/\.{2,}/g, (dots) => ` ${DOT.repeat(dots.length)} `],
  [/([^0-9]),([^0-9])/gu, '$1 , $2'],
  [/([0-9]),([^0-9])/gu, '$1 , $2'],
  [/([^0-9]),([0-9])/gu, '$1 , $2'],
  [/[`‘’]/g, "'"],
  [/[“”]|''/g, ' " '],
  [/–/g, '-'],
  [/--/g, '-'],
  [new RegExp(`([${ALPHANUMERIC}.])-([${ALPHANUMERIC}])`, 'gu'), '$1 $2'],
  [new RegExp(`([^${LETTERS}])'([^${LETTERS}])`, 'gu'), "$1 ' $2"],
  [new RegExp(`([^${ALPHANUMERIC}])'([${LETTERS}])`, 'gu'), "$1 ' $2"],
  [new RegExp(`([${LETTERS}])'([^${LETTERS}])`, 'gu'), "$1 ' $2"],
  [new RegExp(`([${LETTERS}])'([${LETTERS}])`, 'gu'), "$1 '$2"],
  [/([0-9])'(s)/g, "$1 '$2"],
];

/** Abbreviations in lower case that keep their period, and those that do so before a number. */
const ABBREVIATIONS: ReadonlySet<string> = new Set(['v', 'vs', 'rev']);
const BEFORE_NUMBERS: ReadonlySet<string> = new Set(['pp']);
const LETTER = new RegExp(`[${LETTERS}]`);

/**
 * The words that METEOR 1.5 compares (its `-norm` for English), from the tokens of a caption in lower
 * case: hyphens part words, a clitic that follows a word loses its apostrophe, `u.s.` is `us`.
 */
export function normalizeForMeteor(tokens: readonly string[]): string[] {
  let line = ` ${tokens.join(' ')} `;
  for (const [pattern, by] of RULES) {
    line = typeof by === 'string' ? line.replace(pattern, by) : line.replace(pattern, by);
  }
  return line
    .split(/\s+/)
    .filter((word) => word !== '')
    .flatMap((word, i, words) => partPeriod(word, words[i + 1] ?? ''))
    .map((word) => word.replaceAll(DOT, '.'));
}

/** A period at the end is a word, but for abbreviations and in the middle of a sentence. */
function partPeriod(word: string, next: string): string[] {
  if (word.length < 2 || !word.endsWith('.')) return [word];
  const rest = word.slice(0, -1);
  if (rest.includes('.') && LETTER.test(rest)) return [word.replaceAll('.', '')];
  if (ABBREVIATIONS.has(rest) || /^[a-z]/.test(next)) return [word];
  if (BEFORE_NUMBERS.has(rest) && /^[0-9]/.test(next)) return [word];
  return [rest, '.'];
}
