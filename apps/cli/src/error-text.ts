import { inspect } from 'node:util';
import { ImglishError } from '@imglish/core';

/** What a user is told of an error: one line with its code where it is ours, else all there is. */
export function errorText(error: unknown): string {
  if (!ImglishError.isInstance(error)) return inspect(error);
  return `imglish: ${error.message.replaceAll(/\s*\n\s*/g, ' ')} [${error.code}]`;
}
