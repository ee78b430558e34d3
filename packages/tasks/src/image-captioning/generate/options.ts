import { ConfigError, FIRST_POSITION, type ModelConfig, rejectUnknownKeys } from '@imglish/core';
import { beamSearch, CANDIDATES_PER_BEAM } from './beam-search.js';
import type { CaptionVocabulary, DecodingOptions } from './decoder.js';
import { sampled } from './sampling.js';
import type { Search } from './search.js';
import { mostProbable, wordByWord } from './word-by-word.js';

interface CommonOptions {
  /**
   * Tokens of the longest caption, counting `<s>`, `</s>` and a last word that is cut off: there are
   * at most `maxLength` − 3 words. Default 32, as in the recipe, or what the
   * model has positions for.
   */
  readonly maxLength?: number;
  /** Ends generation before the next word: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The most probable word every time. */
export interface GreedyOptions extends CommonOptions {
  readonly search: 'greedy';
}

/** Several texts at once, the best of them in the end: the default. */
export interface BeamOptions extends CommonOptions {
  readonly search?: 'beam';
  /** Texts at once. Default 3, as in the recipe. */
  readonly beams?: number;
  /** a in Σ log p / lengthᵃ, by which captions are compared: the larger, the longer. Default 0.6. */
  readonly lengthPenalty?: number;
  /** Takes the best as soon as a caption has ended, though another might become better. Default false. */
  readonly earlyStopping?: boolean;
}

/** Words drawn at random by their probability; the same seed draws the same. */
export interface SamplingSearchOptions extends CommonOptions {
  readonly search: 'sample';
  readonly seed: number;
  /** Below 1 the probable become more so. Default 1. */
  readonly temperature?: number;
  /** Draws among that many of the most probable words. Default: all. */
  readonly topK?: number;
  /** Draws among the most probable words that have this share together, after `topK`. Default 1. */
  readonly topP?: number;
  /** Index of the first image in its data set: the draws of a caption do not depend on its batch. Default 0. */
  readonly firstIndex?: number;
}

export type CaptionOptions = GreedyOptions | BeamOptions | SamplingSearchOptions;
type SearchName = NonNullable<CaptionOptions['search']>;

/** Options with every default, checked. */
export interface Plan {
  readonly decoding: DecodingOptions;
  readonly signal: AbortSignal | undefined;
  /** Whether words are final as soon as they are found. */
  readonly streams: boolean;
  /** The search for the caption of image `index` of a batch. */
  search(index: number): Search;
}

const COMMON = ['search', 'maxLength', 'signal'] as const;
const KNOWN: Readonly<Record<SearchName, readonly string[]>> = {
  greedy: COMMON,
  beam: [...COMMON, 'beams', 'lengthPenalty', 'earlyStopping'],
  sample: [...COMMON, 'seed', 'temperature', 'topK', 'topP', 'firstIndex'],
};
const WHERE = 'generateCaptions';

/**
 * @throws ConfigError `config/unknown-key`, `config/unsupported-option` for one that the search does not
 * have, `config/invalid-value`.
 */
export function planCaptions(
  options: CaptionOptions,
  vocabulary: CaptionVocabulary,
  config: ModelConfig,
): Plan {
  const search: SearchName = options.search ?? 'beam';
  checkNames(options, search);
  const { maxTextPositions } = config;
  const vocabularySize = Math.min(vocabulary.vocabSize ?? Infinity, config.vocabularySize);
  for (const [name, id] of Object.entries(specials(vocabulary))) {
    mustBe(
      isInteger(id, 0, vocabularySize - 1),
      name,
      `a word of the ${vocabularySize} that there are`,
      id,
    );
  }
  const longest = maxTextPositions - FIRST_POSITION;
  const { maxLength = Math.min(32, longest), signal } = options;
  const room = isInteger(maxLength, 3, longest);
  mustBe(room, 'maxLength', `an integer from 3 to ${longest}`, maxLength);
  const { eosId, maskId } = vocabulary;
  const ends = { maxLength, eosId };
  const decodes = (beams: number, candidates: DecodingOptions['candidates']): DecodingOptions => {
    return { beams, candidates, maxLength, maskId, words: vocabularySize };
  };

  if (options.search === 'greedy') {
    const word = () => wordByWord({ ...ends, choose: mostProbable });
    return { decoding: decodes(1, 1), signal, streams: true, search: word };
  }
  if (options.search === 'sample') {
    const { seed, temperature = 1, topK, topP = 1, firstIndex = 0 } = options;
    mustBe(isInteger(seed, 0), 'seed', 'an integer of at least 0', seed);
    mustBe(isInteger(firstIndex, 0), 'firstIndex', 'an integer of at least 0', firstIndex);
    const isWarm = Number.isFinite(temperature) && temperature > 0;
    mustBe(isWarm, 'temperature', 'above 0 (0 would be greedy)', temperature);
    mustBe(topP > 0 && topP <= 1, 'topP', 'a share above 0 and up to 1', topP);
    const words = topK ?? 'all';
    const isCount = words === 'all' || isInteger(words, 1, vocabularySize);
    mustBe(isCount, 'topK', `an integer from 1 to ${vocabularySize}`, topK);
    const drawn = (index: number) =>
      wordByWord({
        ...ends,
        choose: sampled({ seed, sampleIndex: firstIndex + index, temperature, topP }),
      });
    return { decoding: decodes(1, words), signal, streams: true, search: drawn };
  }
  const { beams = 3, lengthPenalty = 0.6, earlyStopping = false } = options;
  const widest = Math.floor(vocabularySize / CANDIDATES_PER_BEAM);
  mustBe(isInteger(beams, 1, widest), 'beams', `an integer from 1 to ${widest}`, beams);
  mustBe(Number.isFinite(lengthPenalty), 'lengthPenalty', 'a number', lengthPenalty);
  mustBe(typeof earlyStopping === 'boolean', 'earlyStopping', 'true or false', earlyStopping);
  return {
    decoding: decodes(beams, CANDIDATES_PER_BEAM * beams),
    signal,
    streams: false,
    search: () => beamSearch({ ...ends, beams, lengthPenalty, earlyStopping }),
  };
}

function checkNames(options: CaptionOptions, search: SearchName): void {
  if (!(search in KNOWN)) {
    mustBe(false, 'search', `one of ${Object.keys(KNOWN).join(', ')}`, search);
  }
  rejectUnknownKeys(WHERE, options, [...new Set(Object.values(KNOWN).flat())]);
  for (const name of Object.keys(options)) {
    if (KNOWN[search].includes(name)) continue;
    const has = Object.entries(KNOWN).filter(([, names]) => names.includes(name));
    throw new ConfigError({
      code: 'config/unsupported-option',
      where: WHERE,
      expected: `options of the search '${search}': ${KNOWN[search].join(', ')}`,
      got: name,
      fix: `The search '${has.map(([other]) => other).join(', ')}' has it.`,
    });
  }
}

function specials({ bosId, padId, eosId, maskId }: CaptionVocabulary): Record<string, number> {
  return { bosId, padId, eosId, maskId };
}

function isInteger(value: unknown, least: number, most: number = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

function mustBe(fits: boolean, name: string, expected: string, got: unknown): void {
  if (fits) return;
  throw new ConfigError({
    code: 'config/invalid-value',
    where: WHERE,
    expected: `${name} to be ${expected}`,
    got: String(got),
  });
}
