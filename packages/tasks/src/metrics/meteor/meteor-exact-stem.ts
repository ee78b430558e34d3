import { checkCaptions, type TokenizedCaption } from '../tokenized-caption.js';
import { alignWords } from './align.js';
import { FUNCTION_WORDS } from './function-words.js';
import { normalizeForMeteor } from './normalize.js';

/** The parameters of METEOR 1.5 for English, task `rank`. */
const ALPHA = 0.85;
const BETA = 0.2;
const GAMMA = 0.6;
const DELTA = 0.75;
/** Of a match of two words with one stem; one of the same word has 1. */
const STEM_WEIGHT = 0.6;

/**
 * METEOR 1.5 for English (0 … 1) with two of its four matchers, `exact` and `stem`: what the COCO
 * caption tools would give with `-m 'exact stem'`. It is **not the METEOR of papers**, which also matches
 * synonyms (WordNet) and paraphrases and is therefore higher; compare it only with itself.
 *
 * Words are aligned one to one, the same words first, then words with the same stem (Porter 2); content
 * words weigh δ = 0.75, function words 1 − δ, matched stems 0.6 of that. With the weighted shares P of
 * the caption and R of the reference that are matched, F = 1 / ((1 − α) / P + α / R), α = 0.85, and c
 * chunks of m matched words, a caption has F (1 − γ (c / m)^β), β = 0.2, γ = 0.6; without the penalty
 * where it is its reference. Of several references the best one counts. A corpus has the score of the sums
 * over its captions, not the mean.
 *
 * @throws DataError `data/metric-length`, `data/no-references`.
 */
export function meteorExactStem(captions: readonly TokenizedCaption[]): number {
  checkCaptions('meteorExactStem', captions);
  return score(captions.map(bestCounts).reduce(add));
}

/** Counts of a caption and a reference, or sums of them. */
interface Counts {
  /** Weight of all words, and of those matched, of the caption. */
  readonly captionWeight: number;
  readonly captionMatched: number;
  readonly referenceWeight: number;
  readonly referenceMatched: number;
  /** Pairs of words. */
  readonly matches: number;
  /** 0 where the caption is the reference. */
  readonly chunks: number;
}

function bestCounts({ caption, references }: TokenizedCaption): Counts {
  const words = normalizeForMeteor(caption);
  const counts = references.map((reference) => count(words, normalizeForMeteor(reference)));
  return counts.reduce((best, other) => (score(other) > score(best) ? other : best));
}

function count(caption: readonly string[], reference: readonly string[]): Counts {
  const { matches, chunks } = alignWords(caption, reference);
  const total = { caption: 0, reference: 0, pairs: 0 };
  matches.forEach((match, place) => {
    if (!match) return;
    const weight = match.exact ? 1 : STEM_WEIGHT;
    total.caption += weight * weigh(caption[match.at]!);
    total.reference += weight * weigh(reference[place]!);
    total.pairs++;
  });
  const whole = total.pairs === caption.length && total.pairs === reference.length;
  return {
    captionWeight: caption.reduce((sum, word) => sum + weigh(word), 0),
    captionMatched: total.caption,
    referenceWeight: reference.reduce((sum, word) => sum + weigh(word), 0),
    referenceMatched: total.reference,
    matches: total.pairs,
    chunks: whole && chunks === 1 ? 0 : chunks,
  };
}

function weigh(word: string): number {
  return FUNCTION_WORDS.has(word) ? 1 - DELTA : DELTA;
}

function add(a: Counts, b: Counts): Counts {
  return {
    captionWeight: a.captionWeight + b.captionWeight,
    captionMatched: a.captionMatched + b.captionMatched,
    referenceWeight: a.referenceWeight + b.referenceWeight,
    referenceMatched: a.referenceMatched + b.referenceMatched,
    matches: a.matches + b.matches,
    chunks: a.chunks + b.chunks,
  };
}

function score(counts: Counts): number {
  if (counts.matches === 0) return 0;
  const precision = counts.captionMatched / counts.captionWeight;
  const recall = counts.referenceMatched / counts.referenceWeight;
  const mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall);
  return mean * (1 - GAMMA * (counts.chunks / counts.matches) ** BETA);
}
