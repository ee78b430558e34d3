import type { NextWords } from './decoder.js';
import type { Caption, Move, Search } from './search.js';

/** Index of the next word among those that may come; `step` counts the words from 0. */
export type Choose = (next: NextWords, step: number) => number;

export interface WordByWordOptions {
  readonly choose: Choose;
  readonly maxLength: number;
  readonly eosId: number;
}

/** One text, whose words are final as soon as they are chosen. */
export function wordByWord({ choose, maxLength, eosId }: WordByWordOptions): Search {
  const words: number[] = [];
  let logProb = 0;
  let result: Caption | undefined;
  return {
    get done() {
      return result !== undefined;
    },
    advance([next], length): Move | undefined {
      const chosen = choose(next!, words.length);
      const word = next!.ids[chosen]!;
      logProb = Math.fround(logProb + next!.logProbs[chosen]!);
      if (word === eosId || length + 1 === maxLength) {
        const only = { words, logProb, score: logProb, ended: word === eosId };
        result = { ...only, hypotheses: [only] };
        return undefined;
      }
      words.push(word);
      return { words: [word], parents: [0] };
    },
    result: () => result!,
  };
}

/** The most probable word. */
export const mostProbable: Choose = () => 0;
