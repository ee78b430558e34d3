/** A pattern of the scanner and the tokens that its match stands for. */
export interface Rule {
  /** Sticky; what its first group captures ahead counts for the length of the match. */
  readonly pattern: RegExp;
  tokens(match: string): readonly string[];
}

const APOSTROPHE = "'";
const LETTER = '[\\p{L}\\p{M}]';
const ALPHANUMERIC = '[\\p{L}\\p{M}\\p{Nd}_]';
const WORD_ENDS = `(?!${ALPHANUMERIC})`;
const WORD = `${LETTER}${ALPHANUMERIC}*(?:[.!?]${LETTER}${ALPHANUMERIC}*)*`;
const THING = `(?:[dol]${APOSTROPHE})?${ALPHANUMERIC}+(?:-(?:[dol]${APOSTROPHE})?${ALPHANUMERIC}+)*`;
const CLITIC = `${APOSTROPHE}(?:[msd]|re|ve|ll)${WORD_ENDS}`;
const NOT = `n${APOSTROPHE}t${WORD_ENDS}`;
const ACRONYM = '\\p{L}(?:\\.\\p{L})+';
const NUMBER = '(?:\\p{Nd}*(?:[.:,]\\p{Nd}+)+|\\p{Nd}+)';

/** Abbreviations that keep their period. */
const ABBREVIATIONS =
  `adm|adv|al|ala|alex|apr|ariz|assn|assoc|attys?|aug|ave|bancorp|bhd|bldg|blvd|brig|
bros|calif|capt|cf|cie|cmdr|co|col|colo|conn|corp|cos|ct|dak|dec|dept|drs?|elec|esq|est|etc|ext|feb|fla|fri|
ft|ga|gen|govs?|hon|inc|ind|intl|jan|jos|jr|jul|jun|kans?|ky|lt|ltd|maj|mar|md|messrs|mfg|mich|minn|mlle|
mme|mon?|mont|mrs?|ms|mt|neb|nev|nov|oct|okla|penn|pfc|ph|plc|pres|profs?|ptys?|pvt|rd|reps?|rev|rt|sens?|
sept?|seq|sgt|sq|sr|ste?|supt|sys|tel|tenn|thu|thurs|tues?|univ|va|vs|vt|wed|wisc?|wm|wyo`.replaceAll(
    '\n',
    '',
  );
/** These are words too, and so only with a capital. */
const CAPITAL_ABBREVIATIONS = 'Ark|Del|Ill|La|Mass|Miss|Ore|Pa|Tex|Wash';
const BEFORE_NUMBERS = 'art|ca|figs?|nos?|op|pp|prop';

function rule(pattern: string, tokens: Rule['tokens'] = (match) => [match], flags = 'iuy'): Rule {
  return { pattern: new RegExp(pattern, flags), tokens };
}

/** Always the same token. */
function as(token: string, pattern: string): Rule {
  return rule(pattern, () => [token]);
}

/** Two words written as one, cut after so many letters. */
function cut(at: number, words: string): Rule {
  return rule(`(?:${words})${WORD_ENDS}`, (match) => [match.slice(0, at), match.slice(at)]);
}

const BRACKETS: readonly Rule[] = [
  as('-LRB-', '\\('),
  as('-RRB-', '\\)'),
  as('-LSB-', '\\['),
  as('-RSB-', '\\]'),
  as('-LCB-', '\\{'),
  as('-RCB-', '\\}'),
];

/** In order: of two that match as much, the first one counts. */
export const RULES: readonly Rule[] = [
  rule('\\s+', () => []),
  cut(3, 'cannot|gonna|gotta|lemme|gimme|wanna'),
  cut(2, `${APOSTROPHE}t(?:is|was)`),
  rule(CLITIC),
  rule(NOT),
  // A word and the clitic after it, which stays behind.
  rule(`${WORD}(?=(${CLITIC}))`),
  rule(`${LETTER}+?(?=(${NOT}))`),
  rule(WORD),
  // Words that keep an apostrophe.
  rule(`${APOSTROPHE}(?:n${APOSTROPHE}|(?:n|[2-9]0s|em|till?|cause)${WORD_ENDS})`),
  rule(
    `(?:o${APOSTROPHE}(?:o|clock)|ol${APOSTROPHE}|c${APOSTROPHE}mon|ma${APOSTROPHE}am|y${APOSTROPHE})`,
  ),
  // Hyphens, slashes, ampersands.
  rule(THING),
  rule(`[\\p{L}\\p{Nd}][a-z0-9.,]*(?:-(?:[a-z0-9]+|${ACRONYM}\\.))+`),
  rule('[a-z0-9]+(?:-[a-z]+){0,2}(?:\\\\?/[a-z0-9]+(?:-[a-z]+){0,2}){1,2}'),
  rule('[A-Z]+(?:&[A-Z]+)+', undefined, 'uy'),
  // Abbreviations.
  rule(`(?:${ACRONYM}|\\p{L}|${ABBREVIATIONS})\\.`),
  rule(`(?:${CAPITAL_ABBREVIATIONS}|${CAPITAL_ABBREVIATIONS.toUpperCase()})\\.`, undefined, 'uy'),
  rule(`(?:${BEFORE_NUMBERS})\\.(?=(\\s*\\p{Nd}))`),
  // Numbers, fractions, dates; addresses.
  rule(`[-+]?${NUMBER}`),
  rule('\\p{Nd}{1,4}/\\p{Nd}{1,4}'),
  rule('\\p{Nd}{1,2}[-/]\\p{Nd}{1,2}[-/]\\p{Nd}{2,4}'),
  rule('(?:https?://|www\\.)[^\\s"<>|()]+[^\\s"<>|().!?,;:-]'),
  rule('[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)+'),
  rule(`@[a-z_]\\w*|#${LETTER}\\w*`),
  rule('</?[a-z][^<>]*>'),
  as('1/2', '½'),
  as('1/4', '¼'),
  as('3/4', '¾'),
  as('1/3', '⅓'),
  as('2/3', '⅔'),
  // Signs.
  as('#', '£'),
  as('$', '[€¤]'),
  as('&', '&amp;'),
  as('cents', '¢'),
  rule('[!?]+|\\*+|#+|_+'),
  as('...', '\\.{3,}|…'),
  as('--', '-{2,4}(?!-)|[–—]'),
  rule('-{5,}'),
  as("''", "\"|[“”«»‹›]|''"),
  as("'", "['‘]"),
  ...BRACKETS,
  rule(`[<>]?[:;=][-o*']?(?:[(){@|[\\]]|[dp]${WORD_ENDS})`, (match) => [
    match.replace('(', '-LRB-').replace(')', '-RRB-'),
  ]),
];

/** What most words are; no rule matches more of them. */
export const PLAIN_WORD: Rule = rule(
  '(?!(?:cannot|gonna|gotta|lemme|gimme|wanna)\\b)[a-z]+(?=\\s|$)',
);

/** A character that no rule knows is a token of its own, or none where the tokenizer knows it neither. */
export const OTHER: Rule = {
  pattern: /./suy,
  tokens: (match) => (/[\u2010-\u2015]|[^\0-\uffff]/u.test(match) ? [] : [match]),
};
