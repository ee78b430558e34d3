import { ConfigError, DataError, type HostTensor, ShapeError } from '@imglish/core';
import type { CaptionDecoder, CaptionVocabulary, NextWords } from './decoder.js';
import { type CaptionOptions, type Plan, planCaptions } from './options.js';
import type { Caption } from './search.js';

/** A word of a caption that is being written. */
export interface CaptionToken {
  /** Index of the image in the batch. */
  readonly image: number;
  readonly word: number;
}

/**
 * One caption for each image, in the order of the images: normalised pixels `[S, 3, H, W]` float32.
 *
 * The default search is that of BEiT-3's evaluation, with its settings: 3 beams, length penalty 0.6, 32
 * tokens. A caption does not depend on what else is in its batch.
 *
 * @throws ConfigError for options: `config/unknown-key`, `config/unsupported-option`,
 * `config/invalid-value`; ShapeError `shape/pixels`; DataError `data/not-a-number`; the reason of
 * `options.signal`.
 */
export async function generateCaptions(
  decoder: CaptionDecoder,
  pixels: HostTensor,
  vocabulary: CaptionVocabulary,
  options: CaptionOptions = {},
): Promise<Caption[]> {
  const plan = planCaptions(options, vocabulary, decoder.config);
  const tokens = write(decoder, pixels, vocabulary, plan);
  for (;;) {
    const { done, value } = await tokens.next();
    if (done) return value;
  }
}

/**
 * As `generateCaptions`, and gives every word as soon as it is found: greedy search and sampling do so;
 * a beam's words may be given up again. The captions are what the generator returns in the end. Who
 * leaves it early ends the generation.
 *
 * @throws ConfigError `config/unsupported-option` for beam search, and what `generateCaptions` throws.
 */
export async function* streamCaptions(
  decoder: CaptionDecoder,
  pixels: HostTensor,
  vocabulary: CaptionVocabulary,
  options: CaptionOptions,
): AsyncGenerator<CaptionToken, Caption[], undefined> {
  const plan = planCaptions(options, vocabulary, decoder.config);
  if (!plan.streams) {
    throw new ConfigError({
      code: 'config/unsupported-option',
      where: 'streamCaptions',
      expected: "the search 'greedy' or 'sample', whose words are final when they are found",
      got: "'beam'",
      fix: 'Use generateCaptions, or another search.',
    });
  }
  return yield* write(decoder, pixels, vocabulary, plan);
}

async function* write(
  decoder: CaptionDecoder,
  pixels: HostTensor,
  { bosId, padId }: CaptionVocabulary,
  { decoding: options, search, streams, signal }: Plan,
): AsyncGenerator<CaptionToken, Caption[], undefined> {
  checkPixels(pixels, decoder.config.patchSize);
  const { beams, maxLength } = options;
  const searches = Array.from({ length: pixels.shape[0]! }, (_, image) => search(image));
  if (searches.length === 0) return [];
  signal?.throwIfAborted();
  const decoding = await decoder.begin(pixels, options);
  try {
    const words = new Int32Array(searches.length * beams).fill(bosId);
    const rows = Int32Array.from(words, (_, text) => text);
    for (let length = 2; length < maxLength && !searches.every(({ done }) => done); length++) {
      signal?.throwIfAborted();
      const next = await decoding.step(words, rows);
      checkNumbers(next);
      for (const [image, one] of searches.entries()) {
        const first = image * beams;
        const move = one.done ? undefined : one.advance(next.slice(first, first + beams), length);
        for (let beam = 0; beam < beams; beam++) {
          // The texts of an image that is done go on with anything: nobody looks.
          words[first + beam] = move?.words[beam] ?? padId;
          rows[first + beam] = first + (move?.parents[beam] ?? beam);
        }
        if (streams && move) yield { image, word: move.words[0]! };
      }
    }
    return searches.map((one) => one.result());
  } finally {
    await decoding.dispose();
  }
}

function checkPixels({ dtype, shape }: HostTensor, patchSize: number): void {
  const [, channels, height, width] = shape;
  const whole = [height, width].every((size) => size && size % patchSize === 0);
  if (dtype === 'float32' && shape.length === 4 && channels === 3 && whole) return;
  throw new ShapeError({
    code: 'shape/pixels',
    where: 'generateCaptions',
    expected: `pixels [S, 3, H, W] of float32, H and W multiples of ${patchSize}`,
    got: `[${shape}] of ${dtype}`,
  });
}

function checkNumbers(next: readonly NextWords[]): void {
  if (!next.some(({ logProbs }) => Number.isNaN(logProbs[0]))) return;
  throw new DataError({
    code: 'data/not-a-number',
    where: 'generateCaptions',
    expected: 'probabilities of the next words',
    got: 'NaN',
    fix: 'Are there values in the pixels or the weights that are not finite?',
  });
}
