import { ConfigError } from '@imglish/core';
import { InvalidArgumentError } from 'commander';

/** Parses an integer of at least `least` from the command line. */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text.trim()) && Number.isSafeInteger(value) && value >= least) {
      return value;
    }
    throw new InvalidArgumentError(`an integer of at least ${least} is expected.`);
  };
}

/** Parses a number above 0 from the command line. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('a number above 0 is expected.');
}

/** Reads JSON from a text, saying where it came from when it is none. */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError({
      code: 'config/json',
      where: 'parseJson',
      expected: `JSON in ${name}`,
      got: String(cause),
      cause,
    });
  }
}
