import { mean } from './same-length.js';
import { checkCaptions, type TokenizedCaption } from './tokenized-caption.js';

const BETA = 1.2;

/**
 * ROUGE-L (0 … 1), the mean over captions, as the COCO caption tools compute it.
 *
 * (1 + β²) P R / (R + β² P) with β = 1.2, where P and R are the length of the longest common
 * subsequence divided by the length of the caption and of the reference, and of all references the
 * largest P and the largest R are taken, each on its own.
 *
 * @throws DataError `data/metric-length`, `data/no-references`.
 */
export function rougeL(captions: readonly TokenizedCaption[]): number {
  checkCaptions('rougeL', captions);
  return mean(captions.map(rougeOf));
}

function rougeOf({ caption, references }: TokenizedCaption): number {
  const common = references.map((reference) => longestCommonSubsequence(caption, reference));
  // A caption without words counts as one that is wrong, as it does in the tools.
  const share = (count: number, words: readonly string[]) => count / Math.max(1, words.length);
  const precision = Math.max(...common.map((count) => share(count, caption)));
  const recall = Math.max(...common.map((count, i) => share(count, references[i]!)));
  if (precision === 0 || recall === 0) return 0;
  return ((1 + BETA ** 2) * precision * recall) / (recall + BETA ** 2 * precision);
}

function longestCommonSubsequence(a: readonly string[], b: readonly string[]): number {
  let previous = new Array<number>(b.length + 1).fill(0);
  for (const word of a) {
    const row = [0];
    for (let j = 1; j <= b.length; j++) {
      const longest = Math.max(previous[j]!, row[j - 1]!);
      row.push(word === b[j - 1] ? previous[j - 1]! + 1 : longest);
    }
    previous = row;
  }
  return previous[b.length]!;
}
