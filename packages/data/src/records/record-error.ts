import { DataError } from '@imglish/core';

/** What is done with a record that cannot be used: throw the error, or note it and go on. */
export type OnProblem = (error: DataError) => void;

/** A `DataError` about one place of a file, such as `train.json, line 3`. */
export function recordError(
  code: string,
  place: string,
  expected: string,
  got: string,
  more: { fix?: string; cause?: unknown } = {},
): DataError {
  return new DataError({ code: `data/${code}`, where: place, expected, got, ...more });
}

/** Passes over the problem; for readers that run again with another. */
export function ignoreProblem(): void {}

/** Throws the problem; what a reader does where nobody collects them. */
export function throwProblem(error: DataError): never {
  throw error;
}

/**
 * `parse` of every record in turn. A record that it refuses with a `DataError` goes to `onProblem`
 * and is left out where that returns.
 */
export async function* checked<T, R>(
  records: AsyncIterable<T>,
  parse: (record: T) => R | undefined | Promise<R | undefined>,
  onProblem: OnProblem,
): AsyncGenerator<R> {
  for await (const record of records) {
    let parsed: R | undefined;
    try {
      parsed = await parse(record);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      onProblem(error);
      continue;
    }
    if (parsed !== undefined) yield parsed;
  }
}

/** A value as it is shown in a message, shortened. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
