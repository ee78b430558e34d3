import { IoError } from '../errors/errors.js';

/** Throws what the file system said as an `IoError`: `io/not-found`, or `io/read`, `io/write`. */
export function ioError(
  what: 'read' | 'write',
  where: string,
  path: string,
  cause: unknown,
): never {
  const error = cause as NodeJS.ErrnoException;
  throw new IoError({
    code: error.code === 'ENOENT' ? 'io/not-found' : `io/${what}`,
    where,
    expected: `to ${what} ${path}`,
    got: error.message,
    cause,
  });
}
