import { countNGrams } from './n-grams.js';
import { mean } from './same-length.js';
import { checkCaptions, type TokenizedCaption } from './tokenized-caption.js';

const SIGMA = 6;

/**
 * CIDEr-D (0 … 10), the mean over captions, as the COCO caption tools report it under "CIDEr".
 *
 * For n = 1 … 4, an n-gram's weight is its count times log(images / images whose references have it),
 * so it depends on all captions given. A caption's score is 10 times the mean over n and references of
 * exp(−(l − lᵣ)² / 2σ²) · Σ min(g, gᵣ) gᵣ / (‖g‖ ‖gᵣ‖), σ = 6, where g and gᵣ are the weights and
 * l and lᵣ the lengths in pairs of words. A single image gets 0, for all weights are.
 *
 * @throws DataError `data/metric-length`, `data/no-references`.
 */
export function ciderD(captions: readonly TokenizedCaption[]): number {
  checkCaptions('ciderD', captions);
  const weigh = weights(captions);
  return mean(
    captions.map(({ caption, references }) => {
      const vector = weigh(caption);
      return 10 * mean(references.map((reference) => similarity(vector, weigh(reference))));
    }),
  );
}

interface Weighted {
  /** Weight of each n-gram, one map for each n. */
  readonly grams: readonly ReadonlyMap<string, number>[];
  readonly norms: readonly number[];
  readonly pairs: number;
}

function weights(captions: readonly TokenizedCaption[]): (words: readonly string[]) => Weighted {
  const images = new Map<string, number>();
  for (const { references } of captions) {
    const seen = new Set(
      references.flatMap((words) => countNGrams(words).flatMap((n) => [...n.keys()])),
    );
    for (const gram of seen) images.set(gram, (images.get(gram) ?? 0) + 1);
  }
  const all = Math.log(captions.length);
  const idf = (gram: string) => all - Math.log(Math.max(1, images.get(gram) ?? 0));
  return (words) => {
    const grams = countNGrams(words).map(
      (counts) => new Map([...counts].map(([gram, count]) => [gram, count * idf(gram)])),
    );
    const norms = grams.map((gram) =>
      Math.sqrt([...gram.values()].reduce((sum, weight) => sum + weight ** 2, 0)),
    );
    return { grams, norms, pairs: Math.max(0, words.length - 1) };
  };
}

function similarity(caption: Weighted, reference: Weighted): number {
  const penalty = Math.exp(-((caption.pairs - reference.pairs) ** 2) / (2 * SIGMA ** 2));
  const ofEach = caption.grams.map((grams, n) => {
    let sum = 0;
    for (const [gram, weight] of grams) {
      const other = reference.grams[n]!.get(gram) ?? 0;
      sum += Math.min(weight, other) * other;
    }
    const norm = caption.norms[n]! * reference.norms[n]!;
    return norm === 0 ? sum : sum / norm;
  });
  return penalty * mean(ofEach);
}
