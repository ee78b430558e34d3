import { modelConfig } from '@imglish/core';
import type { CaptionDecoder } from '../src/image-captioning/generate/decoder.js';

/** `<s>`, `<pad>`, `</s>`, `<mask>`, and the words a = 4, b = 5 and so on. */
export const SCRIPT_WORDS = { bosId: 0, padId: 1, eosId: 2, maskId: 3 };
export const SCRIPT_SIZE = 30;

/**
 * A model whose next words are given by hand: text without `<s>` → probabilities by word. Pixels are
 * not looked at. What it was asked is noted.
 */
export function scriptedDecoder(
  nextOf: (text: readonly number[], image: number) => Record<number, number>,
): { decoder: CaptionDecoder; seen: { steps: number; open: number } } {
  const seen = { steps: 0, open: 0 };
  const decoder: CaptionDecoder = {
    config: modelConfig({
      imageSize: [2, 2],
      patchSize: 2,
      vocabularySize: SCRIPT_SIZE,
      dim: 2,
      heads: 1,
      ffnDim: 2,
      layers: 1,
      maxTextPositions: 64,
    }),
    async begin(pixels, { beams, candidates }) {
      seen.open++;
      let texts: number[][] = Array.from({ length: pixels.shape[0]! * beams }, () => []);
      return {
        async step(words, rows) {
          seen.steps++;
          texts = Array.from(words, (word, i) => [...texts[rows[i]!]!, word]);
          return texts.map((text, i) => {
            const given = nextOf(text.slice(1), Math.floor(i / beams));
            const logProbs = Float32Array.from({ length: SCRIPT_SIZE }, (_, id) =>
              Math.log(given[id] ?? 1e-9),
            );
            const ids = Int32Array.from(logProbs.keys());
            if (candidates === 'all') return { ids, logProbs };
            ids.sort((a, b) => logProbs[b]! - logProbs[a]!);
            const top = ids.slice(0, candidates);
            return { ids: top, logProbs: Float32Array.from(top, (id) => logProbs[id]!) };
          });
        },
        async dispose() {
          seen.open--;
        },
      };
    },
    async dispose() {},
  };
  return { decoder, seen };
}
