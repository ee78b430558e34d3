import { BOUNDARY, type Corpus, FIRST_CHARACTER, UNCOVERED } from './corpus.js';
import { SCRIPT, scriptClassifier } from './scripts.js';
import { suffixArray } from './suffix-array.js';

/** Candidate pieces: each is a stretch of `Corpus.codes`, with a score (natural logarithm). */
export interface Candidates {
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly scores: Float64Array;
}

/**
 * First candidates: every character of the alphabet, and the substrings of words that occur at least
 * twice and can be extended to the right in more than one way (a word's end is one of them).
 *
 * They are at most `maxLength` characters long, keep to one script, and are valued by occurrences ×
 * length; the best `seedSize` stay. Scores are the logarithms of the shares of these values.
 */
export function seedCandidates(corpus: Corpus, maxLength: number, seedSize: number): Candidates {
  const { codes, alphabet } = corpus;
  const occurrences = countPerCode(corpus);
  const order = suffixArray(codes, maxLength + 1);
  const wordEnd = wordEnds(corpus);
  const validEnd = validEnds(corpus);
  const weightOf = weightsPerStart(corpus);

  const starts: number[] = [];
  const lengths: number[] = [];
  const values: number[] = [];
  const propose = (start: number, length: number, weight: number): void => {
    if (length < 2 || length > maxLength || weight < 2 || validEnd[start]! < start + length) return;
    starts.push(start);
    lengths.push(length);
    values.push(weight * length);
  };

  // Boundaries sort first; what follows are the suffixes that start within words.
  const n = codes.length;
  const first = corpus.counts.length;
  const before = new Float64Array(n + 1);
  for (let i = first; i < n; i++) before[i + 1] = before[i]! + weightOf[order[i]!]!;
  const shared = (i: number): number => {
    if (i <= first || i >= n) return 0;
    const a = order[i - 1]!;
    const b = order[i]!;
    let k = 0;
    while (k <= maxLength && codes[a + k] === codes[b + k] && codes[a + k] !== BOUNDARY) k++;
    return k;
  };
  // Intervals of suffixes that share a prefix, innermost first (Abouelhoda et al., "Replacing suffix
  // trees with enhanced suffix arrays", 2004).
  const open: { prefix: number; left: number }[] = [{ prefix: 0, left: first }];
  let above = 0;
  for (let i = first; i < n; i++) {
    const below = shared(i + 1);
    const start = order[i]!;
    const toEnd = wordEnd[start]! - start;
    // A suffix that no other shares in full is a substring of its own where its word is frequent.
    if (toEnd > above && toEnd > below) propose(start, toEnd, weightOf[start]!);
    let left = i;
    while (open[open.length - 1]!.prefix > below) {
      const interval = open.pop()!;
      left = interval.left;
      propose(start, interval.prefix, before[i + 1]! - before[left]!);
    }
    if (below > open[open.length - 1]!.prefix) open.push({ prefix: below, left });
    above = below;
  }

  const best = Array.from(values, (_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
  const chosen = best.slice(0, Math.max(0, seedSize - alphabet.length));
  const result = {
    starts: new Int32Array(alphabet.length + chosen.length),
    lengths: new Int32Array(alphabet.length + chosen.length),
    scores: new Float64Array(alphabet.length + chosen.length),
  };
  for (let i = codes.length - 1; i >= 0; i--) {
    if (codes[i]! >= FIRST_CHARACTER) result.starts[codes[i]! - FIRST_CHARACTER] = i;
  }
  for (let c = 0; c < alphabet.length; c++) {
    result.lengths[c] = 1;
    result.scores[c] = occurrences[c + FIRST_CHARACTER]!;
  }
  for (const [i, candidate] of chosen.entries()) {
    result.starts[alphabet.length + i] = starts[candidate]!;
    result.lengths[alphabet.length + i] = lengths[candidate]!;
    result.scores[alphabet.length + i] = values[candidate]!;
  }
  const total = result.scores.reduce((sum, value) => sum + value, 0);
  for (let i = 0; i < result.scores.length; i++) {
    result.scores[i] = Math.log(result.scores[i]! / total);
  }
  return result;
}

function countPerCode(corpus: Corpus): Float64Array {
  const result = new Float64Array(FIRST_CHARACTER + corpus.alphabet.length);
  forEachWord(corpus, (start, end, count) => {
    for (let i = start; i < end; i++) result[corpus.codes[i]!]! += count;
  });
  return result;
}

/** For every place, how often its word occurs. */
function weightsPerStart(corpus: Corpus): Float64Array {
  const result = new Float64Array(corpus.codes.length);
  forEachWord(corpus, (start, end, count) => {
    result.fill(count, start, end);
  });
  return result;
}

/** For every place, where its word ends. */
function wordEnds(corpus: Corpus): Int32Array {
  const result = new Int32Array(corpus.codes.length);
  forEachWord(corpus, (start, end) => {
    result.fill(end, start, end + 1);
  });
  return result;
}

/** For every place, how far a piece that starts there may reach: one script, no uncovered character. */
function validEnds(corpus: Corpus): Int32Array {
  const { codes } = corpus;
  const classify = scriptClassifier();
  // U+2581 goes with any script, as do marks that inherit it.
  const anyScript = SCRIPT.inherited;
  const scripts = corpus.alphabet.map((c) => (c === '\u2581' ? anyScript : classify(c)));
  const result = new Int32Array(codes.length);
  forEachWord(corpus, (start, end) => {
    let nextScript: number = anyScript;
    let nextAt = end;
    let reach = end;
    for (let i = end - 1; i >= start; i--) {
      if (codes[i] === UNCOVERED) {
        reach = i;
        nextScript = anyScript;
      } else {
        const script = scripts[codes[i]! - FIRST_CHARACTER]!;
        if (script !== anyScript) {
          if (nextScript !== anyScript && nextScript !== script) reach = nextAt;
          nextScript = script;
          nextAt = i;
        }
      }
      result[i] = reach;
    }
  });
  return result;
}

function forEachWord(
  { wordStarts, counts }: Corpus,
  visit: (start: number, end: number, count: number) => void,
): void {
  for (let w = 0; w < counts.length; w++) {
    visit(wordStarts[w]!, wordStarts[w + 1]! - 1, counts[w]!);
  }
}
