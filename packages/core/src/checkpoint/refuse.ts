import { CheckpointError } from '../errors/errors.js';

/** Throws the `CheckpointError` with code `checkpoint/${code}`. */
export function refuse(
  code: string,
  where: string,
  expected: string,
  got: string,
  fix?: string,
): never {
  throw new CheckpointError({
    code: `checkpoint/${code}`,
    where,
    expected,
    got,
    ...(fix === undefined ? {} : { fix }),
  });
}

/** A text from a file as it may stand in a message: quoted, without control characters, short. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
