import { ConfigError } from '@imglish/core';

/** Most names that a pattern may stand for. */
const MOST = 1_000_000;

/**
 * The names that a pattern of shards stands for, as the shell and WebDataset expand it:
 * `{000..009}` counts with the zeros that were written, `{train,val}` lists; both nest and repeat.
 *
 * @throws ConfigError `config/shard-pattern` for braces without their partner, or too many names.
 */
export function expandBraces(pattern: string): string[] {
  const names = expand(pattern, pattern);
  if (names.length <= MOST) return names;
  return refuse(pattern, `at most ${MOST} names`, `${names.length}`);
}

function expand(text: string, pattern: string): string[] {
  const open = text.indexOf('{');
  if (open < 0) {
    if (text.includes('}')) refuse(pattern, 'a { before each }', 'none');
    return [text];
  }
  if (text.slice(0, open).includes('}')) refuse(pattern, 'a { before each }', 'none');
  const [parts, close] = partsFrom(text, open, pattern);
  const inner =
    parts.length === 1
      ? (range(parts[0]!, pattern) ?? refuse(pattern, 'a range or a list in braces', parts[0]!))
      : parts.flatMap((part) => expand(part, pattern));
  const rest = expand(text.slice(close + 1), pattern);
  if (inner.length * rest.length > MOST) {
    refuse(pattern, `at most ${MOST} names`, `${inner.length * rest.length}`);
  }
  const head = text.slice(0, open);
  return inner.flatMap((middle) => rest.map((tail) => head + middle + tail));
}

/** What stands between the commas of the braces that open at `open`, and where they close. */
function partsFrom(text: string, open: number, pattern: string): [string[], number] {
  const parts: string[] = [];
  let depth = 0;
  let begin = open + 1;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth++;
    else if (text[i] === '}') depth--;
    const ends = depth === 0 || (depth === 1 && text[i] === ',');
    if (ends) {
      parts.push(text.slice(begin, i));
      begin = i + 1;
    }
    if (depth === 0) return [parts, i];
  }
  return refuse(pattern, 'a } after each {', 'none');
}

function range(part: string, pattern: string): string[] | undefined {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(part) ?? [];
  if (from === undefined || to === undefined) return undefined;
  const [first, last] = [Number(from), Number(to)];
  const count = Math.abs(last - first) + 1;
  if (count > MOST) refuse(pattern, `at most ${MOST} names`, `${count}`);
  const padded = [from, to].some((number) => number.length > 1 && number.startsWith('0'));
  const width = padded ? Math.max(from.length, to.length) : 0;
  const sign = last < first ? -1 : 1;
  return Array.from({ length: count }, (_, i) => String(first + sign * i).padStart(width, '0'));
}

function refuse(pattern: string, expected: string, got: string): never {
  throw new ConfigError({
    code: 'config/shard-pattern',
    where: 'expandBraces',
    expected: `${expected} in the shards ${JSON.stringify(pattern)}`,
    got,
    fix: 'Write shards/{000..009}.tar or {train,val}.parquet.',
  });
}
