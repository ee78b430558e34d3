import { DataError, draw, type PairExample } from '@imglish/core';

/**
 * The caption of a pair for sample `number` of a run: drawn by it. `data/no-captions` where there is
 * none.
 */
export function drawnCaption(
  where: string,
  { id, captions }: PairExample,
  seed: number,
  number: number,
): string {
  if (captions.length > 0) return captions[draw(seed, 'caption', number).integer(captions.length)]!;
  throw new DataError({
    code: 'data/no-captions',
    where,
    expected: 'images with at least one caption',
    got: `none for the image ${JSON.stringify(id)}`,
  });
}
