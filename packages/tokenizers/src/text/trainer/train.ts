import { ConfigError, TokenizerError } from '@imglish/core';
import type { ScoredPiece } from '../model-proto.js';
import { writeModel } from '../model-proto.js';
import { type Corpus, FIRST_CHARACTER, readCorpus } from './corpus.js';
import { emStep } from './em.js';
import { Lattice } from './lattice.js';
import { nmtNfkc } from './nmt-nfkc.js';
import { prune } from './prune.js';
import { type Candidates, seedCandidates } from './seed.js';

export interface TrainUnigramOptions {
  /** Pieces of the model, `<unk>`, `<s>` and `</s>` included: exactly so many. */
  vocabSize: number;
  /** Share of character occurrences that the alphabet covers, in (0, 1]. Default 0.9995. */
  characterCoverage?: number;
  /** Characters of the longest piece, 1 to 512. Default 16. */
  maxPieceLength?: number;
  /** Candidates to start from at most. Default 1,000,000. */
  seedSize?: number;
  /** Whether too few pieces in the texts are an error; else the model gets fewer. Default true. */
  hardVocabLimit?: boolean;
  /** Share of the candidates that a round of pruning leaves, in [0.5, 0.95]. Default 0.75. */
  shrinkingFactor?: number;
  /** EM steps between two rounds of pruning, 1 to 10. Default 2. */
  subIterations?: number;
  /** Texts of more bytes (UTF-8) are left out. Default 4192. */
  maxTextBytes?: number;
  /** `nmt_nfkc` (as XLM-R) or `identity`, which touches white space only. Default `nmt_nfkc`. */
  normalization?: 'nmt_nfkc' | 'identity';
  /** Called after each EM step. */
  onProgress?: (progress: TrainProgress) => void;
}

export interface TrainProgress {
  /** EM steps done. */
  readonly step: number;
  /** Candidates left. */
  readonly pieces: number;
  /** Mean negative log-likelihood of a word, in nats, before the step. */
  readonly objective: number;
  /** Pieces in the best splits of all words, before the step. */
  readonly tokens: number;
}

export interface TrainReport {
  readonly texts: number;
  /** Texts left out for their length. */
  readonly skipped: number;
  /** Different words, and all of them. */
  readonly words: number;
  readonly wordTotal: number;
  /** Characters of the alphabet. */
  readonly alphabet: number;
  /** Candidates before the first step. */
  readonly seeds: number;
  readonly steps: readonly TrainProgress[];
}

const SPECIAL_PIECES = 3;
/** Pruning stops at this many times the wanted size; the last cut is by score. */
const HEADROOM = 1.1;
/** Distance between the scores of characters that training gave none. */
const RARE_CHARACTER_STEP = 0.0001;

/**
 * Trains a unigram language model of word pieces (Kudo, "Subword regularization", ACL 2018) and writes
 * it as a `.spm` file that `textTokenizer` and SentencePiece read.
 *
 * Seeds are frequent substrings of words; EM steps fit their probabilities, rounds of pruning drop those
 * that matter least until `vocabSize` are left. The same texts, in any order, give the same bytes.
 *
 * Throws `config/train-unigram` for an option out of range, `tokenizer/no-text` without any text, and
 * `tokenizer/vocab-size` where the alphabet does not fit in or the texts have too few pieces and `hardVocabLimit` is set.
 */
export function trainUnigram(
  texts: Iterable<string>,
  options: TrainUnigramOptions,
): { spm: Uint8Array; report: TrainReport } {
  const settings = checkOptions(options);
  const charsmap = settings.normalization === 'nmt_nfkc' ? nmtNfkc() : new Uint8Array(0);
  const normalizer = {
    name: settings.normalization,
    charsmap,
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
  };
  const corpus = readCorpus(texts, normalizer, settings.characterCoverage, settings.maxTextBytes);
  const wanted = settings.vocabSize - SPECIAL_PIECES;
  checkCorpus(corpus, wanted);

  let candidates = seedCandidates(corpus, settings.maxPieceLength, settings.seedSize);
  const seeds = candidates.scores.length;
  const lattice = new Lattice(corpus, candidates);
  const enough = Math.floor(settings.vocabSize * HEADROOM);
  const steps: TrainProgress[] = [];
  for (;;) {
    for (let i = 0; i < settings.subIterations; i++) {
      const step = emStep(lattice, candidates);
      candidates = step.candidates;
      const progress = {
        step: steps.length + 1,
        pieces: candidates.scores.length,
        objective: step.objective,
        tokens: step.tokens,
      };
      steps.push(progress);
      options.onProgress?.(progress);
    }
    const size = candidates.scores.length;
    if (size <= enough) break;
    candidates = prune(
      lattice,
      candidates,
      Math.max(enough, Math.floor(settings.shrinkingFactor * size)),
    );
  }
  const pieces = finalPieces(corpus, candidates, wanted, settings.hardVocabLimit);
  return {
    spm: writeModel(pieces, normalizer, settings),
    report: {
      texts: corpus.texts,
      skipped: corpus.skipped,
      words: corpus.counts.length,
      wordTotal: corpus.counts.reduce((sum, count) => sum + count, 0),
      alphabet: corpus.alphabet.length,
      seeds,
      steps,
    },
  };
}

/** The alphabet and the candidates with the highest scores, best first. */
function finalPieces(
  corpus: Corpus,
  candidates: Candidates,
  wanted: number,
  hardLimit: boolean,
): ScoredPiece[] {
  const { codes, alphabet } = corpus;
  const text = (start: number, length: number): string =>
    Array.from(
      codes.subarray(start, start + length),
      (code) => alphabet[code - FIRST_CHARACTER]!,
    ).join('');
  const least = candidates.scores.reduce((low, score) => Math.min(low, score), 0);
  const score = new Map<string, number>();
  for (const [id, start] of candidates.starts.entries()) {
    score.set(text(start, candidates.lengths[id]!), Math.fround(candidates.scores[id]!));
  }
  const byScore = (a: ScoredPiece, b: ScoredPiece): number =>
    b.score - a.score || (a.piece < b.piece ? -1 : 1);
  let rare = 0;
  const result: ScoredPiece[] = alphabet.map((piece) => ({
    piece,
    score: score.get(piece) ?? Math.fround(least - RARE_CHARACTER_STEP * rare++),
  }));
  const longer = [...score]
    .filter(([piece]) => [...piece].length > 1)
    .map(([piece, value]): ScoredPiece => ({ piece, score: value }))
    .sort(byScore);
  result.push(...longer.slice(0, wanted - result.length));
  if (hardLimit && result.length < wanted) {
    throw new TokenizerError({
      code: 'tokenizer/vocab-size',
      where: 'trainUnigram',
      expected: `a vocabSize of at most ${result.length + SPECIAL_PIECES} for these texts`,
      got: `${wanted + SPECIAL_PIECES}`,
      fix: 'Lower vocabSize, give more text, or set hardVocabLimit to false.',
    });
  }
  return result.sort(byScore);
}

function checkCorpus(corpus: Corpus, wanted: number): void {
  if (corpus.counts.length === 0) {
    throw new TokenizerError({
      code: 'tokenizer/no-text',
      where: 'trainUnigram',
      expected: 'at least one text that is not empty',
      got: `${corpus.texts} texts, ${corpus.skipped} of them too long`,
    });
  }
  if (corpus.alphabet.length > wanted) {
    throw new TokenizerError({
      code: 'tokenizer/vocab-size',
      where: 'trainUnigram',
      expected: `a vocabSize of at least ${corpus.alphabet.length + SPECIAL_PIECES}, the alphabet`,
      got: `${wanted + SPECIAL_PIECES}`,
      fix: 'Raise vocabSize or lower characterCoverage.',
    });
  }
}

function checkOptions(
  options: TrainUnigramOptions,
): Required<Omit<TrainUnigramOptions, 'onProgress'>> {
  const {
    vocabSize,
    characterCoverage = 0.9995,
    maxPieceLength = 16,
    seedSize = 1_000_000,
    hardVocabLimit = true,
    shrinkingFactor = 0.75,
    subIterations = 2,
    maxTextBytes = 4192,
    normalization = 'nmt_nfkc',
    onProgress: _onProgress,
    ...unknown
  } = options;
  const refuse = (expected: string, got: string): ConfigError =>
    new ConfigError({ code: 'config/train-unigram', where: 'trainUnigram', expected, got });
  const names = Object.keys(unknown);
  if (names.length > 0) throw refuse('known options', names.join(', '));
  const integer = (name: string, value: number, low: number, high: number): void => {
    if (!Number.isInteger(value) || value < low || value > high) {
      throw refuse(`${name} as an integer from ${low} to ${high}`, `${value}`);
    }
  };
  integer('vocabSize', vocabSize, SPECIAL_PIECES + 1, 1_000_000);
  integer('maxPieceLength', maxPieceLength, 1, 512);
  integer('seedSize', seedSize, vocabSize, 10_000_000);
  integer('subIterations', subIterations, 1, 10);
  integer('maxTextBytes', maxTextBytes, 10, 2 ** 30);
  if (!(characterCoverage > 0 && characterCoverage <= 1)) {
    throw refuse('characterCoverage in (0, 1]', `${characterCoverage}`);
  }
  if (!(shrinkingFactor >= 0.5 && shrinkingFactor <= 0.95)) {
    throw refuse('shrinkingFactor in [0.5, 0.95]', `${shrinkingFactor}`);
  }
  if (normalization !== 'nmt_nfkc' && normalization !== 'identity') {
    throw refuse("normalization 'nmt_nfkc' or 'identity'", `${normalization}`);
  }
  return {
    vocabSize,
    characterCoverage,
    maxPieceLength,
    seedSize,
    hardVocabLimit,
    shrinkingFactor,
    subIterations,
    maxTextBytes,
    normalization,
  };
}
