import type { Corpus } from './corpus.js';
import type { Candidates } from './seed.js';
import { SuffixTrie } from './suffix-trie.js';

/** A character without a piece scores this much less than the worst piece. */
const UNKNOWN_PENALTY = 10;

/**
 * Every way to split every word into candidates: for each place of `Corpus.codes` the candidates that
 * end with it, shortest first. Made once; candidates that die are struck out.
 */
export class Lattice {
  readonly #corpus: Corpus;
  /** Edges that end at place `i` are `#edgeStarts[i] … #edgeStarts[i + 1]`. */
  readonly #edgeStarts: Int32Array;
  readonly #ids: Int32Array;
  readonly #lengths: Int32Array;
  readonly #longestWord: number;
  readonly #wordTotal: number;

  constructor(corpus: Corpus, candidates: Candidates) {
    const { codes } = corpus;
    const trie = new SuffixTrie(codes, candidates);
    const ids: number[] = [];
    const lengths: number[] = [];
    this.#edgeStarts = new Int32Array(codes.length + 1);
    for (let i = 0; i < codes.length; i++) {
      let node = trie.child(0, codes[i]!);
      for (let length = 1; node > 0; length++) {
        const id = trie.candidate(node);
        if (id >= 0) {
          ids.push(id);
          lengths.push(length);
        }
        if (i < length) break;
        node = trie.child(node, codes[i - length]!);
      }
      this.#edgeStarts[i + 1] = ids.length;
    }
    this.#ids = Int32Array.from(ids);
    this.#lengths = Int32Array.from(lengths);
    this.#corpus = corpus;
    let longest = 0;
    for (let w = 0; w < corpus.counts.length; w++) {
      longest = Math.max(longest, corpus.wordStarts[w + 1]! - corpus.wordStarts[w]!);
    }
    this.#longestWord = longest;
    this.#wordTotal = corpus.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Renumbers candidates, `newId[old]`; those with -1 are struck out. */
  renumber(newId: Int32Array): void {
    let kept = 0;
    for (let i = 0, from = 0; i + 1 < this.#edgeStarts.length; i++) {
      const to = this.#edgeStarts[i + 1]!;
      for (let e = from; e < to; e++) {
        const id = newId[this.#ids[e]!]!;
        if (id < 0) continue;
        this.#ids[kept] = id;
        this.#lengths[kept++] = this.#lengths[e]!;
      }
      this.#edgeStarts[i + 1] = kept;
      from = to;
    }
  }

  /**
   * E step: expected count of each candidate, `Σ_words count × Σ_splits P(split | word) × uses`.
   *
   * The forward sums `α(j) = log Σ_edges exp(α(j - length) + score)` give the probability of each edge
   * among those that end where it does; going back from the end of the word, these multiply up to the
   * probability that the edge is used.
   */
  expectations(scores: Float64Array): Expectations {
    const { wordStarts, counts } = this.#corpus;
    const unknown = unknownScore(scores);
    const expected = new Float64Array(scores.length);
    const alpha = new Float64Array(this.#longestWord + 1);
    const best = new Float64Array(this.#longestWord + 1);
    const pieces = new Int32Array(this.#longestWord + 1);
    const used = new Float64Array(this.#longestWord + 1);
    let share = new Float64Array(1024);
    const shareUnknown = new Float64Array(this.#longestWord + 1);
    let logLikelihood = 0;
    let tokens = 0;
    for (let w = 0; w < counts.length; w++) {
      const start = wordStarts[w]!;
      const size = wordStarts[w + 1]! - 1 - start;
      const firstEdge = this.#edgeStarts[start]!;
      const edges = this.#edgeStarts[start + size]! - firstEdge;
      if (share.length < edges) share = new Float64Array(edges * 2);
      for (let j = 1; j <= size; j++) {
        const from = this.#edgeStarts[start + j - 1]!;
        const to = this.#edgeStarts[start + j]!;
        const isKnown = from < to && this.#lengths[from] === 1;
        const unknownSum = isKnown ? Number.NEGATIVE_INFINITY : alpha[j - 1]! + unknown;
        let largest = unknownSum;
        let bestScore = isKnown ? Number.NEGATIVE_INFINITY : best[j - 1]! + unknown;
        let bestPieces = pieces[j - 1]! + 1;
        for (let e = from; e < to; e++) {
          const length = this.#lengths[e]!;
          const score = scores[this.#ids[e]!]!;
          const sum = alpha[j - length]! + score;
          share[e - firstEdge] = sum;
          if (sum > largest) largest = sum;
          const candidate = best[j - length]! + score;
          if (candidate > bestScore) {
            bestScore = candidate;
            bestPieces = pieces[j - length]! + 1;
          }
        }
        best[j] = bestScore;
        pieces[j] = bestPieces;
        let total = isKnown ? 0 : Math.exp(unknownSum - largest);
        shareUnknown[j] = total;
        for (let e = from - firstEdge; e < to - firstEdge; e++) {
          share[e] = Math.exp(share[e]! - largest);
          total += share[e]!;
        }
        alpha[j] = largest + Math.log(total);
        shareUnknown[j]! /= total;
        for (let e = from - firstEdge; e < to - firstEdge; e++) share[e]! /= total;
      }
      used.fill(0, 0, size);
      used[size] = counts[w]!;
      for (let j = size; j > 0; j--) {
        const here = used[j]!;
        if (here === 0) continue;
        used[j - 1]! += here * shareUnknown[j]!;
        const to = this.#edgeStarts[start + j]!;
        for (let e = this.#edgeStarts[start + j - 1]!; e < to; e++) {
          const count = here * share[e - firstEdge]!;
          expected[this.#ids[e]!]! += count;
          used[j - this.#lengths[e]!]! += count;
        }
      }
      logLikelihood += counts[w]! * alpha[size]!;
      tokens += counts[w]! * pieces[size]!;
    }
    return { expected, objective: -logLikelihood / this.#wordTotal, tokens };
  }

  /** How often each candidate is in the best split of a word. */
  bestCounts(scores: Float64Array): Float64Array {
    const { wordStarts, counts } = this.#corpus;
    const result = new Float64Array(scores.length);
    const path = new BestPath(this.#longestWord);
    for (let w = 0; w < counts.length; w++) {
      const start = wordStarts[w]!;
      this.#bestPath(start, wordStarts[w + 1]! - 1 - start, scores, path, false);
      for (let i = 0; i < path.size; i++) {
        const id = path.ids[i]!;
        if (id >= 0) result[id]! += counts[w]!;
      }
    }
    return result;
  }

  /**
   * The best split of a candidate into others: ids (-1 for an unknown character) and sum of scores.
   * `path` is overwritten and returned.
   */
  alternative(start: number, length: number, scores: Float64Array, path: BestPath): BestPath {
    this.#bestPath(start, length, scores, path, true);
    return path;
  }

  /** Room for the longest path of this lattice. */
  path(): BestPath {
    return new BestPath(this.#longestWord);
  }

  #bestPath(
    start: number,
    size: number,
    scores: Float64Array,
    path: BestPath,
    withoutWhole: boolean,
  ): void {
    const unknown = path.unknownScore(scores);
    const { best, back, piece } = path;
    for (let j = 1; j <= size; j++) {
      const from = this.#edgeStarts[start + j - 1]!;
      const to = this.#edgeStarts[start + j]!;
      const isKnown = from < to && this.#lengths[from] === 1;
      best[j] = isKnown ? Number.NEGATIVE_INFINITY : best[j - 1]! + unknown;
      back[j] = 1;
      piece[j] = -1;
      for (let e = from; e < to; e++) {
        const length = this.#lengths[e]!;
        if (length > j || (withoutWhole && length === size)) break;
        const sum = best[j - length]! + scores[this.#ids[e]!]!;
        if (sum > best[j]!) {
          best[j] = sum;
          back[j] = length;
          piece[j] = this.#ids[e]!;
        }
      }
    }
    path.trace(size);
  }
}

/** Buffers of a search for the best split, and the ids it found. */
export class BestPath {
  readonly best: Float64Array;
  readonly back: Int32Array;
  readonly piece: Int32Array;
  /** The pieces of the split, last first; `size` of them. */
  readonly ids: Int32Array;
  size = 0;
  /** Sum of the scores of the split. */
  score = 0;
  #scores: Float64Array | undefined;
  #unknown = 0;

  constructor(longest: number) {
    this.best = new Float64Array(longest + 1);
    this.back = new Int32Array(longest + 1);
    this.piece = new Int32Array(longest + 1);
    this.ids = new Int32Array(longest + 1);
  }

  /** `unknownScore`, computed once for one array of scores. */
  unknownScore(scores: Float64Array): number {
    if (scores !== this.#scores) this.#unknown = unknownScore(scores);
    this.#scores = scores;
    return this.#unknown;
  }

  trace(end: number): void {
    this.size = 0;
    this.score = this.best[end]!;
    for (let j = end; j > 0; j -= this.back[j]!) this.ids[this.size++] = this.piece[j]!;
  }
}

/** Result of an E step. */
export interface Expectations {
  readonly expected: Float64Array;
  /** Mean negative log-likelihood of a word. */
  readonly objective: number;
  /** Pieces in the best splits of all words. */
  readonly tokens: number;
}

function unknownScore(scores: Float64Array): number {
  return scores.reduce((least, score) => Math.min(least, score), 0) - UNKNOWN_PENALTY;
}
