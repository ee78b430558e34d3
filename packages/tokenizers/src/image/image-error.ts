import { type ErrorDetails, ImageError } from '@imglish/core';

/** Throws the `ImageError` with code `image/<what>`. */
export function fail(what: string, details: Omit<ErrorDetails, 'code'>): never {
  throw new ImageError({ code: `image/${what}`, ...details });
}

/** Refuses bytes of a file that break their format: `image/corrupt`. */
export function corrupt(where: string, expected: string, got: string): never {
  return fail('corrupt', { where, expected, got, fix: 'The file is damaged; fetch it again.' });
}

/** Refuses a file that ends too early: `image/truncated`. */
export function truncated(where: string, expected: string): never {
  return fail('truncated', {
    where,
    expected,
    got: 'the end of the data',
    fix: 'The file is cut short; fetch it again.',
  });
}

/** Refuses a file that is sound but of a kind that is not read: `image/unsupported`. */
export function unsupported(where: string, expected: string, got: string, fix: string): never {
  return fail('unsupported', { where, expected, got, fix });
}
