import { type BrokenExample, DataError, type Dataset, soundExample } from '@imglish/core';
import type { StreamMix } from './pretrain-batches.js';
import { type ReadAhead, readAhead } from './read-ahead.js';

/** An example that was passed over for a sample. */
export interface BrokenSample extends BrokenExample {
  readonly stream: keyof StreamMix;
  /** Of the sample, in its stream. */
  readonly number: number;
}

/** How samples are read; none of it changes what they are, but for the window. */
export interface ReadingOptions {
  /** Neighbours that are mixed; see `sampleOrder`. */
  window?: number | undefined;
  /** Broken examples in a row whose places are taken by the next sound one; default 0. */
  skipBroken?: number | undefined;
  /** Is told of each when the sample has its turn, not when it is read ahead. */
  onBroken?: ((broken: BrokenSample) => void) | undefined;
  ahead?: (ReadAhead & { readonly mix: StreamMix }) | undefined;
}

/**
 * Examples of a stream by the numbers of samples. Rejects with the error of a broken example, or
 * `data/too-many-broken` where more follow each other than are passed over.
 */
export function sampleReader<T>(
  stream: keyof StreamMix,
  dataset: Dataset<T>,
  order: (sample: number) => number,
  { skipBroken = 0, onBroken, ahead }: ReadingOptions,
): (number: number) => Promise<T> {
  const find = (number: number) => soundExample(dataset, order(number), skipBroken);
  const read = ahead ? readAhead(find, ahead.mix[stream], ahead) : find;
  return async (number) => {
    const { example, broken } = await read(number);
    for (const { index, error } of broken) onBroken?.({ stream, number, index, error });
    if (example !== undefined) return example;
    const { error } = broken.at(-1)!;
    throw skipBroken === 0 ? error : tooMany(`${broken.length} in a row`, skipBroken, error);
  };
}

/** `data/too-many-broken`. */
export function tooMany(got: string, most: number, last: Error): DataError {
  return new DataError({
    code: 'data/too-many-broken',
    where: 'pretrain',
    expected: `at most ${most} broken records`,
    got: `${got}, the last: ${last.message.replace(/\.$/, '')}`,
    fix: 'Mend the data, or skip more (skipBroken, --skip-broken).',
    cause: last,
  });
}
