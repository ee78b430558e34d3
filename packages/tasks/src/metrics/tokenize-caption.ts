import { OTHER, PLAIN_WORD, RULES, type Rule } from './tokenizer-rules.js';

/** Tokens that the caption tools drop. They also list `-LRB-`, but words are in lower case by then. */
const DROPPED: ReadonlySet<string> = new Set(
  "'' ' `` ` -LRB- -RRB- -LCB- -RCB- . ? ! , : - -- ... ;".split(' '),
);

/**
 * A caption in words as the COCO caption tools score it: the rules of the Penn Treebank (Stanford's
 * PTBTokenizer with `-lowerCase`), without punctuation.
 *
 * The rules cover what captions are made of: words, clitics, contractions, numbers, abbreviations,
 * hyphens, brackets, quotes. On 78,240 lines of Flickr8k captions they give what it gives. Known to
 * differ: telephone numbers with brackets, a single letter that ends a sentence, source code.
 */
export function tokenizeCaption(caption: string): string[] {
  return ptbTokens(plain(caption))
    .map((token) => token.toLowerCase())
    .filter((token) => !DROPPED.has(token));
}

/** One apostrophe; soft hyphens are no part of their word, and what only chooses a glyph is a space. */
function plain(text: string): string {
  return text
    .replaceAll('\u00ad', '')
    .replaceAll('\u2019', "'")
    .replace(/\p{Variation_Selector}/gu, ' ');
}

/** Tokens of the treebank: at each place the rule that matches most, of equal ones the first. */
function ptbTokens(text: string): string[] {
  const tokens: string[] = [];
  let at = 0;
  while (at < text.length) {
    const { rule, match } = longest(text, at);
    tokens.push(...rule.tokens(match));
    at += match.length;
  }
  return tokens;
}

function longest(text: string, at: number): { rule: Rule; match: string } {
  PLAIN_WORD.pattern.lastIndex = at;
  const plain = PLAIN_WORD.pattern.exec(text)?.[0];
  if (plain) return { rule: PLAIN_WORD, match: plain };
  let best = { rule: OTHER, match: String.fromCodePoint(text.codePointAt(at)!) };
  let reach = 0;
  for (const rule of RULES) {
    rule.pattern.lastIndex = at;
    const found = rule.pattern.exec(text);
    // What follows a match counts for its length, as in a scanner with trailing context.
    const length = found ? found[0].length + (found[1]?.length ?? 0) : 0;
    if (length > reach) {
      reach = length;
      best = { rule, match: found![0] };
    }
  }
  return best;
}
