import { ConfigError } from '@imglish/core';
import { type Command, InvalidArgumentError } from 'commander';

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

/** Parses a number from 0 up to, not including, 1 from the command line. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('a number from 0 up to, not including, 1 is expected.');
}

/** Throws `config/unsupported-option` where one of these options was given: `when` they mean nothing. */
export function refuseOptions(command: Command, names: readonly string[], when: string): void {
  const given = names.filter((name) => command.getOptionValueSource(name) === 'cli');
  if (given.length === 0) return;
  const flags = command.options.filter((option) => given.includes(option.attributeName()));
  throw new ConfigError({
    code: 'config/unsupported-option',
    where: `imglish ${command.name()}`,
    expected: `no such option ${when}`,
    got: flags.map(({ long }) => long).join(', '),
  });
}

/** Like `parseJson`, for an object. */
export function parseJsonObject(text: string, name: string): Record<string, unknown> {
  const value = parseJson(text, name);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new ConfigError({
    code: 'config/json',
    where: 'parseJsonObject',
    expected: `a JSON object in ${name}`,
    got: JSON.stringify(value),
  });
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
