import { DataError } from '@imglish/core';
import { type OnProblem, recordError, shown } from './record-error.js';

/** A line of a text file; 1 is the first. */
export interface TextLine {
  readonly line: number;
  readonly text: string;
}

/**
 * The lines of a UTF-8 file that arrives in pieces, without their ends (`\n` or `\r\n`) and without a
 * byte order mark; blank ones are passed over. Throws a `DataError` `data/not-utf8`.
 */
export async function* textLines(
  pieces: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<TextLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  let line = 0;
  const decode = (piece?: Uint8Array): string => {
    try {
      return piece ? decoder.decode(piece, { stream: true }) : decoder.decode();
    } catch (cause) {
      throw new DataError({
        code: 'data/not-utf8',
        where: `${name}, line ${line + 1} or after`,
        expected: 'UTF-8 text',
        got: 'bytes that are none',
        fix: 'Convert the file to UTF-8.',
        cause,
      });
    }
  };
  const whole = (text: string): TextLine => {
    line++;
    return { line, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  };
  for await (const piece of pieces) {
    const lines = (rest + decode(piece)).split('\n');
    rest = lines.pop()!;
    for (const text of lines) {
      const next = whole(text);
      if (next.text.trim() !== '') yield next;
    }
  }
  const last = whole(rest + decode());
  if (last.text.trim() !== '') yield last;
}

/** A value of a file and where it stood, such as `train.json, line 3`. */
export interface Placed {
  readonly value: unknown;
  readonly place: string;
}

/** The values of a file of JSON lines; a line that is no JSON is a problem, `data/bad-json`. */
export async function* jsonLines(
  pieces: AsyncIterable<Uint8Array>,
  name: string,
  onProblem: OnProblem,
): AsyncGenerator<Placed> {
  for await (const { line, text } of textLines(pieces, name)) {
    const place = `${name}, line ${line}`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      const expected = 'a JSON object on one line';
      onProblem(recordError('bad-json', place, expected, shown(text), { cause }));
      continue;
    }
    yield { value, place };
  }
}
