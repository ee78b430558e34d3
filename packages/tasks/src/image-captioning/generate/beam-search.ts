import type { NextWords } from './decoder.js';
import type { Caption, Hypothesis, Move, Search } from './search.js';

/** Candidates looked at for each beam. */
export const CANDIDATES_PER_BEAM = 3;

export interface BeamSearchOptions {
  readonly beams: number;
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean;
  readonly maxLength: number;
  readonly eosId: number;
}

interface Beam {
  readonly words: readonly number[];
  /** Σ log p, rounded to float32 at every word as the reference's is. */
  readonly logProb: number;
}

interface Candidate {
  readonly beam: number;
  readonly word: number;
  readonly logProb: number;
}

/**
 * Beam search as BEiT-3's evaluation has it (reference: engine_for_finetuning.py:267-433, utils.py:792-834).
 *
 * Of the 3 × beams best continuations, those that end are hypotheses and the first others become the
 * beams; what comes after the last beam is not looked at. Where there is room for no further word all
 * of them are hypotheses, without that word. It is done when no continuation can become better than
 * the best hypothesis: score* ≥ Σ log p / (maxLength − 1)ᵃ, where a is the length penalty.
 */
export function beamSearch(options: BeamSearchOptions): Search {
  const { beams: width, lengthPenalty, earlyStopping, maxLength, eosId } = options;
  // All texts are equal at first: one of them goes on as all.
  let beams: Beam[] = [{ words: [], logProb: 0 }];
  const hypotheses: Hypothesis[] = [];
  let best: Hypothesis | undefined;
  let done = false;

  const add = (candidate: Candidate, length: number, ended: boolean): void => {
    const { logProb } = candidate;
    const { words } = beams[candidate.beam]!;
    const hypothesis = { words, logProb, score: logProb / length ** lengthPenalty, ended };
    hypotheses.push(hypothesis);
    if (!best || hypothesis.score > best.score) best = hypothesis;
  };
  return {
    get done() {
      return done;
    },
    advance(next, length): Move | undefined {
      const candidates = bestOf(beams, next, CANDIDATES_PER_BEAM * width);
      if (best && best.score >= candidates[0]!.logProb / (maxLength - 1) ** lengthPenalty) {
        done = true;
        return undefined;
      }
      const isFull = length + 1 === maxLength;
      const going: Candidate[] = [];
      for (const candidate of candidates) {
        if (isFull || candidate.word === eosId) add(candidate, length, candidate.word === eosId);
        else going.push(candidate);
        if (going.length === width) break;
      }
      done = isFull || (earlyStopping && best !== undefined);
      if (done) return undefined;
      beams = going.map(({ beam, word, logProb }) => ({
        words: [...beams[beam]!.words, word],
        logProb,
      }));
      return { words: going.map(({ word }) => word), parents: going.map(({ beam }) => beam) };
    },
    result: (): Caption => ({ ...best!, hypotheses }),
  };
}

/** The best continuations of all beams together, the best first; of equal ones the earlier beam's. */
function bestOf(beams: readonly Beam[], next: readonly NextWords[], count: number): Candidate[] {
  const all = beams.flatMap(({ logProb }, beam) => {
    const { ids, logProbs } = next[beam]!;
    return Array.from(ids, (word, i): Candidate => {
      return { beam, word, logProb: Math.fround(logProb + logProbs[i]!) };
    });
  });
  return all.sort((a, b) => b.logProb - a.logProb).slice(0, count);
}
