import { DataError } from '@imglish/core';
import { checkSameLength } from './same-length.js';

/** A caption of an image in words beside those that people wrote, as `tokenizeCaption` makes them. */
export interface TokenizedCaption {
  readonly caption: readonly string[];
  readonly references: readonly (readonly string[])[];
}

/** Throws `data/metric-length` without captions, `data/no-references` where nobody described one. */
export function checkCaptions(where: string, captions: readonly TokenizedCaption[]): void {
  checkSameLength(where, captions.length, captions.length);
  const alone = captions.findIndex(({ references }) => references.length === 0);
  if (alone < 0) return;
  throw new DataError({
    code: 'data/no-references',
    where,
    expected: 'a caption that people wrote for every image',
    got: `none for image ${alone}`,
  });
}
