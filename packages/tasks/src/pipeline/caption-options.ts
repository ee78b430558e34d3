import { ConfigError } from '@imglish/core';
import type { CaptionOptions } from '../image-captioning/generate/index.js';

/** Settings of generation by the names of transformers.js; see `CaptionOptions` for what they do. */
export interface GenerationArguments {
  max_length?: number;
  /** 1 for the most probable word every time. */
  num_beams?: number;
  length_penalty?: number;
  early_stopping?: boolean;
  /** Draws words at random; needs `seed`. */
  do_sample?: boolean;
  seed?: number;
  temperature?: number;
  top_k?: number;
  top_p?: number;
}

const OF_SAMPLING = ['seed', 'temperature', 'top_k', 'top_p'] as const;
const OF_BEAMS = ['num_beams', 'length_penalty', 'early_stopping'] as const;

/** The search that the arguments mean; `config/unsupported-option` for those that do not go together. */
export function captionOptions(
  given: GenerationArguments & { signal?: AbortSignal },
): CaptionOptions {
  const { max_length: maxLength, signal } = given;
  const common = { ...defined({ maxLength, signal }) };
  if (given.do_sample) {
    refuseAny(given, OF_BEAMS, 'do_sample');
    if (given.seed === undefined) return refuse('a seed beside do_sample', 'none');
    const { seed, temperature, top_k: topK, top_p: topP } = given;
    return { search: 'sample', seed, ...defined({ temperature, topK, topP }), ...common };
  }
  refuseAny(given, OF_SAMPLING, 'a search without do_sample');
  if (given.num_beams === 1) {
    refuseAny(given, ['length_penalty', 'early_stopping'], 'num_beams 1');
    return { search: 'greedy', ...common };
  }
  const { num_beams: beams, length_penalty: lengthPenalty, early_stopping: earlyStopping } = given;
  return { search: 'beam', ...defined({ beams, lengthPenalty, earlyStopping }), ...common };
}

function refuseAny(
  given: GenerationArguments,
  names: readonly (keyof GenerationArguments)[],
  beside: string,
): void {
  const there = names.filter((name) => given[name] !== undefined);
  if (there.length > 0) refuse(`only options that go with ${beside}`, there.join(', '));
}

function refuse(expected: string, got: string): never {
  const where = 'pipeline image-to-text';
  throw new ConfigError({ code: 'config/unsupported-option', where, expected, got });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(options: T): Defined<T> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}
