import { describe, expect, it } from 'vitest';
import { type Corpus, FIRST_CHARACTER, readCorpus, UNCOVERED } from './corpus.js';
import { digamma, emStep } from './em.js';
import { Lattice } from './lattice.js';
import { prune } from './prune.js';
import { type Candidates, seedCandidates } from './seed.js';

const identity = {
  name: 'identity',
  charsmap: new Uint8Array(0),
  addDummyPrefix: true,
  removeExtraWhitespaces: true,
};
const texts = ['abab abc', 'abab', 'cab abc aé', 'bbb bbb'];
const corpusOf = (coverage = 1): Corpus => readCorpus(texts, identity, coverage, 4192);
const spell = (corpus: Corpus, start: number, length: number): string =>
  Array.from(corpus.codes.subarray(start, start + length), (code) =>
    code === UNCOVERED ? '?' : corpus.alphabet[code - FIRST_CHARACTER],
  ).join('');
const names = (corpus: Corpus, { starts, lengths }: Candidates): string[] =>
  Array.from(starts, (start, id) => spell(corpus, start, lengths[id]!));
const wordsOf = (corpus: Corpus): [string, number][] =>
  Array.from(corpus.counts, (count, w) => {
    const start = corpus.wordStarts[w]!;
    return [spell(corpus, start, corpus.wordStarts[w + 1]! - 1 - start), count];
  });

/** All splits of a word into candidates or single unknown characters, with their scores. */
function splits(
  word: string,
  scores: ReadonlyMap<string, number>,
  unknown: number,
): { pieces: string[]; score: number }[] {
  if (word === '') return [{ pieces: [], score: 0 }];
  const result: { pieces: string[]; score: number }[] = [];
  for (let n = 1; n <= word.length; n++) {
    const piece = word.slice(0, n);
    const score = scores.get(piece) ?? (n === 1 ? unknown : undefined);
    if (score === undefined) continue;
    for (const rest of splits(word.slice(n), scores, unknown)) {
      result.push({ pieces: [piece, ...rest.pieces], score: score + rest.score });
    }
  }
  return result;
}

describe('readCorpus', () => {
  it('counts words and covers the most frequent characters', () => {
    const corpus = corpusOf();
    expect(wordsOf(corpus)).toEqual([
      ['▁abab', 2],
      ['▁abc', 2],
      ['▁aé', 1],
      ['▁bbb', 2],
      ['▁cab', 1],
    ]);
    // b 13, a 8, ▁ 8, c 3, é 1: the first three cover 29 of 33.
    expect(corpus.alphabet).toEqual(['b', 'a', '▁', 'c', 'é']);
    expect(corpusOf(29 / 33).alphabet).toEqual(['b', 'a', '▁']);
    expect(wordsOf(corpusOf(29 / 33))[1]).toEqual(['▁ab?', 2]);
  });

  it('leaves out long texts and never covers NUL', () => {
    const corpus = readCorpus(['a\0a', 'b'.repeat(11), 'é'.repeat(6), 'c'], identity, 1, 10);
    expect([corpus.texts, corpus.skipped]).toEqual([4, 2]);
    expect(wordsOf(corpus).map(([word]) => word)).toEqual(['▁a?a', '▁c']);
  });
});

describe('seedCandidates', () => {
  it('proposes the frequent substrings that branch to the right', () => {
    const corpus = corpusOf();
    const words = wordsOf(corpus);
    const maxLength = 4;
    const occurrences = (piece: string): number =>
      words.reduce((sum, [word, count]) => {
        let found = 0;
        for (let i = word.indexOf(piece); i >= 0; i = word.indexOf(piece, i + 1)) found++;
        return sum + found * count;
      }, 0);
    const expected = new Map<string, number>();
    for (const [word] of words) {
      for (let i = 0; i < word.length; i++) {
        for (let n = 2; n <= maxLength && i + n <= word.length; n++) {
          const piece = word.slice(i, i + n);
          const followers = new Set<string>();
          for (const [other] of words) {
            for (let at = other.indexOf(piece); at >= 0; at = other.indexOf(piece, at + 1)) {
              followers.add(other[at + n] ?? 'end');
            }
          }
          const count = occurrences(piece);
          const branches = followers.size > 1 || followers.has('end');
          if (count >= 2 && branches) expected.set(piece, count * n);
        }
      }
    }
    const seeds = seedCandidates(corpus, maxLength, 1000);
    const found = names(corpus, seeds);
    expect(found.slice(0, corpus.alphabet.length)).toEqual(corpus.alphabet);
    expect(new Set(found.slice(corpus.alphabet.length))).toEqual(new Set(expected.keys()));
    for (const piece of corpus.alphabet) expected.set(piece, occurrences(piece));
    const total = [...expected.values()].reduce((a, b) => a + b, 0);
    for (const [id, piece] of found.entries()) {
      expect(seeds.scores[id]).toBeCloseTo(Math.log(expected.get(piece)! / total), 12);
    }
    const few = names(corpus, seedCandidates(corpus, maxLength, corpus.alphabet.length + 1));
    expect(few).toHaveLength(corpus.alphabet.length + 1);
  });

  it('keeps to one script', () => {
    const mixed = ['abКЛ12', 'abКЛ12 カな漢ー', 'カな漢ー', 'e\u0301x e\u0301x'];
    const corpus = readCorpus(mixed, identity, 1, 4192);
    const found = names(corpus, seedCandidates(corpus, 16, 1000));
    expect(found).toContain('▁カな漢ー');
    expect(found).toContain('▁e\u0301x');
    expect(found).toContain('12');
    for (const piece of found) {
      const scripts = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\d/].filter((s) =>
        s.test(piece),
      );
      expect(scripts.length, piece).toBeLessThan(2);
    }
  });
});

describe('emStep', () => {
  it('expects each candidate as often as all splits of all words say', () => {
    const corpus = corpusOf(29 / 33);
    const seeds = seedCandidates(corpus, 4, 1000);
    const pieces = names(corpus, seeds);
    const lattice = new Lattice(corpus, seeds);
    const scores = new Map(pieces.map((piece, id) => [piece, seeds.scores[id]!]));
    const unknown = Math.min(...seeds.scores) - 10;
    const expected = new Map<string, number>();
    let objective = 0;
    let tokens = 0;
    let total = 0;
    for (const [word, count] of wordsOf(corpus)) {
      const all = splits(word, scores, unknown);
      const sum = all.reduce((s, { score }) => s + Math.exp(score), 0);
      for (const split of all) {
        const share = (count * Math.exp(split.score)) / sum;
        for (const piece of split.pieces) {
          expected.set(piece, (expected.get(piece) ?? 0) + share);
        }
      }
      const best = all.reduce((a, b) => (b.score > a.score ? b : a));
      tokens += count * best.pieces.length;
      objective -= count * Math.log(sum);
      total += count;
    }
    const result = lattice.expectations(seeds.scores);
    for (const [id, piece] of pieces.entries()) {
      expect(result.expected[id], piece).toBeCloseTo(expected.get(piece) ?? 0, 9);
    }
    expect(result.objective).toBeCloseTo(objective / total, 9);
    expect(result.tokens).toBe(tokens);

    const step = emStep(lattice, seeds);
    const left = pieces.filter((piece) => (expected.get(piece) ?? 0) >= 0.5);
    expect(names(corpus, step.candidates)).toEqual(left);
    const mass = left.reduce((sum, piece) => sum + expected.get(piece)!, 0);
    for (const [id, piece] of left.entries()) {
      expect(step.candidates.scores[id]).toBeCloseTo(
        digamma(expected.get(piece)!) - digamma(mass),
        9,
      );
    }
  });

  it('leaves no gap where candidates are pruned', () => {
    const corpus = corpusOf();
    let candidates = seedCandidates(corpus, 8, 1000);
    const lattice = new Lattice(corpus, candidates);
    const before = candidates.scores.length;
    candidates = prune(lattice, candidates, 7);
    expect(candidates.scores.length).toBeLessThan(before);
    const pieces = names(corpus, candidates);
    // The whole frequent words explain most and stay.
    expect(pieces).toEqual(expect.arrayContaining(['▁abab', '▁bbb']));
    const scores = new Map(pieces.map((piece, id) => [piece, candidates.scores[id]!]));
    const unknown = Math.min(...candidates.scores) - 10;
    const result = lattice.expectations(candidates.scores);
    let objective = 0;
    for (const [word, count] of wordsOf(corpus)) {
      const all = splits(word, scores, unknown);
      objective -= count * Math.log(all.reduce((s, { score }) => s + Math.exp(score), 0));
    }
    expect(result.objective).toBeCloseTo(objective / 8, 9);
  });
});

describe('digamma', () => {
  it('has the values of the tables', () => {
    expect(digamma(1)).toBeCloseTo(-0.5772156649015329, 9);
    expect(digamma(0.5)).toBeCloseTo(-1.9635100260214235, 9);
    expect(digamma(10)).toBeCloseTo(2.2517525890667214, 9);
    expect(digamma(1e6)).toBeCloseTo(13.81551005796, 9);
  });
});
