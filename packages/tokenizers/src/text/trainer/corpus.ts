import type { NormalizerSpec } from '../model-proto.js';
import { Normalizer } from '../normalizer.js';
import { META_SPACE } from '../sentencepiece.js';

/** Codes of the corpus that stand for no character of the alphabet. */
export const BOUNDARY = 0;
export const UNCOVERED = 1;
export const FIRST_CHARACTER = 2;

/** The different words of a text collection, as numbers. */
export interface Corpus {
  /** Words one after the other, each ended by `BOUNDARY`; a character is its place in the alphabet. */
  readonly codes: Int32Array;
  /** Where each word starts in `codes`; one more entry for the end. */
  readonly wordStarts: Int32Array;
  /** How often each word occurs. */
  readonly counts: Float64Array;
  /** Characters that get a code, from frequent to rare; code `c` is `alphabet[c - FIRST_CHARACTER]`. */
  readonly alphabet: readonly string[];
  /** Texts read, and those left out because they are too long. */
  readonly texts: number;
  readonly skipped: number;
}

/**
 * Normalises the texts, splits them in front of every space and counts the words.
 *
 * The alphabet is the shortest list of most frequent characters that covers the share
 * `characterCoverage` of all occurrences; NUL, which a model file cannot hold, is never in it.
 */
export function readCorpus(
  texts: Iterable<string>,
  spec: NormalizerSpec,
  characterCoverage: number,
  maxTextBytes: number,
): Corpus {
  const normalizer = new Normalizer(spec);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const words = new Map<string, number>();
  let read = 0;
  let skipped = 0;
  for (const text of texts) {
    read++;
    // A UTF-16 unit has at most three bytes, so most texts need no exact count.
    if (text.length * 3 > maxTextBytes && utf8Length(text) > maxTextBytes) {
      skipped++;
      continue;
    }
    const normalized = decoder.decode(normalizer.normalize(text).bytes);
    if (normalized === '') continue;
    for (const word of normalized.slice(META_SPACE.length).split(META_SPACE)) {
      words.set(word, (words.get(word) ?? 0) + 1);
    }
  }
  const alphabet = chooseAlphabet(words, characterCoverage);
  const codeOf = new Map(alphabet.map((character, i) => [character, i + FIRST_CHARACTER]));
  // Sorted words make the result independent of the order of the texts.
  const sorted = [...words.keys()].sort();
  const codes: number[] = [];
  const wordStarts = new Int32Array(sorted.length + 1);
  for (const [i, word] of sorted.entries()) {
    for (const character of META_SPACE + word) codes.push(codeOf.get(character) ?? UNCOVERED);
    codes.push(BOUNDARY);
    wordStarts[i + 1] = codes.length;
  }
  return {
    codes: Int32Array.from(codes),
    wordStarts,
    counts: Float64Array.from(sorted, (word) => words.get(word)!),
    alphabet,
    texts: read,
    skipped,
  };
}

function chooseAlphabet(words: ReadonlyMap<string, number>, coverage: number): string[] {
  const counts = new Map<string, number>();
  let total = 0;
  const add = (character: string, count: number): void => {
    if (character === '\0') return;
    counts.set(character, (counts.get(character) ?? 0) + count);
    total += count;
  };
  for (const [word, count] of words) {
    add(META_SPACE, count);
    for (const character of word) add(character, count);
  }
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const alphabet: string[] = [];
  let covered = 0;
  for (const [character, count] of sorted) {
    if (covered / total >= coverage) break;
    covered += count;
    alphabet.push(character);
  }
  return alphabet;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
