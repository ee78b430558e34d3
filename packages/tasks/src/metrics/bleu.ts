import { countNGrams } from './n-grams.js';
import { checkCaptions, type TokenizedCaption } from './tokenized-caption.js';

/**
 * BLEU-1 … BLEU-4 (0 … 1) of a corpus, as the COCO caption tools compute it.
 *
 * BLEU-n = min(1, exp(1 − r / c)) · (Πₖ₌₁ⁿ pₖ)^(1/n): pₖ is the share of the captions' k-grams that
 * are in a reference, each as often as in the one that has it most often; c counts the captions' words
 * and r those of the references nearest in length, of two as near the shorter.
 *
 * @throws DataError `data/metric-length`, `data/no-references`.
 */
export function bleu(captions: readonly TokenizedCaption[]): [number, number, number, number] {
  checkCaptions('bleu', captions);
  let [words, referenceWords] = [0, 0];
  const matched = [0, 0, 0, 0];
  const all = [0, 0, 0, 0];
  for (const { caption, references } of captions) {
    words += caption.length;
    referenceWords += nearestLength(caption.length, references);
    const ofReferences = references.map(countNGrams);
    countNGrams(caption).forEach((counts, k) => {
      for (const [gram, count] of counts) {
        const most = Math.max(...ofReferences.map((reference) => reference[k]!.get(gram) ?? 0));
        matched[k]! += Math.min(count, most);
      }
      all[k]! += Math.max(0, caption.length - k);
    });
  }
  // The tools' guards against division by zero, which also smooth p where nothing matches.
  const ratio = (words + 1e-15) / (referenceWords + 1e-9);
  const brevity = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  return matched.map((count, k) => {
    product *= (count + 1e-15) / (all[k]! + 1e-9);
    return product ** (1 / (k + 1)) * brevity;
  }) as [number, number, number, number];
}

function nearestLength(length: number, references: readonly (readonly string[])[]): number {
  const distance = (other: number) => Math.abs(other - length);
  return references
    .map((reference) => reference.length)
    .reduce((best, other) => {
      const nearer = distance(other) - distance(best);
      return nearer < 0 || (nearer === 0 && other < best) ? other : best;
    });
}
