import { describe, expect, it } from 'vitest';
import { SCRIPT_WORDS, scriptedDecoder } from '../../../test/scripted-decoder.js';
import { generateCaptions } from './generate.js';
import type { BeamOptions } from './options.js';

const [A, B, C, END] = [4, 5, 6, SCRIPT_WORDS.eosId];
const pixels = (images: number) =>
  ({
    dtype: 'float32',
    shape: [images, 3, 2, 2],
    data: new Float32Array(images * 12),
  }) as const;

/** Captions of a model that is given by hand: text → probabilities. */
async function written(
  table: Readonly<Record<string, Record<number, number>>>,
  options: BeamOptions,
  images = 1,
) {
  const { decoder, seen } = scriptedDecoder((text) => table[text.join()] ?? { [END]: 1 });
  const captions = await generateCaptions(decoder, pixels(images), SCRIPT_WORDS, options);
  expect(seen.open).toBe(0);
  return { captions, steps: seen.steps };
}

/** The likely first word leads to an unlikely end. */
const GARDEN_PATH = {
  '': { [A]: 0.6, [B]: 0.4 },
  [`${A}`]: { [A]: 0.3, [B]: 0.3, [C]: 0.3, [END]: 0.1 },
  [`${B}`]: { [END]: 0.9, [A]: 0.1 },
};

describe('beam search', () => {
  it('finds what greedy search misses', async () => {
    const options = { lengthPenalty: 0, maxLength: 10 };
    const narrow = await written(GARDEN_PATH, { ...options, beams: 1 });
    expect(narrow.captions[0]!.words[0]).toBe(A);
    const { captions } = await written(GARDEN_PATH, { ...options, beams: 2 });
    expect(captions[0]).toMatchObject({ words: [B], ended: true });
    expect(captions[0]!.logProb).toBeCloseTo(Math.log(0.4 * 0.9), 6);
    expect(captions[0]!.score).toBe(captions[0]!.logProb);
  });

  it('keeps beams of different lengths apart: a short hypothesis and a long one', async () => {
    const table = {
      '': { [A]: 0.5, [END]: 0.4, [B]: 0.1 },
      [`${A}`]: { [A]: 0.99, [END]: 0.01 },
      [`${A},${A}`]: { [A]: 0.99, [END]: 0.01 },
      [`${A},${A},${A}`]: { [END]: 0.99, [A]: 0.01 },
    };
    const score = (p: number, length: number, penalty: number) => Math.log(p) / length ** penalty;
    const long = 0.5 * 0.99 ** 3;
    const short = await written(table, { beams: 2, lengthPenalty: 3, maxLength: 20 });
    // <s> and </s> count: the empty caption has length 2, that of three words length 5.
    expect(short.captions[0]!.hypotheses[0]).toMatchObject({ words: [] });
    expect(short.captions[0]!.hypotheses[0]!.score).toBeCloseTo(score(0.4, 2, 3), 6);
    expect(short.captions[0]!.words.slice(0, 3)).toEqual([A, A, A]);
    const three = short.captions[0]!.hypotheses.find(({ words }) => words.length === 3);
    expect(three!.score).toBeCloseTo(score(long, 5, 3), 6);
    // Long ones are dear where the penalty is negative.
    const { captions } = await written(table, { beams: 2, lengthPenalty: -1, maxLength: 20 });
    expect(captions[0]!.words).toEqual([]);
  });

  it('stops when nothing can become better, at once with early stopping', async () => {
    const table = {
      '': { [END]: 0.5, [A]: 0.5 },
      [`${A}`]: { [END]: 0.999, [B]: 0.001 },
    };
    const options = { beams: 2, lengthPenalty: 1, maxLength: 10 };
    const whole = await written(table, options);
    expect(whole.captions[0]!.words).toEqual([A]);
    const early = await written(table, { ...options, earlyStopping: true });
    expect(early.captions[0]!.words).toEqual([]);
    expect(early.steps).toBe(1);
    expect(whole.steps).toBeGreaterThan(1);
  });

  it('cuts captions that have no room: the last word counts, and is not in them', async () => {
    const forever = { [A]: 0.9, [B]: 0.1 };
    const { decoder, seen } = scriptedDecoder(() => forever);
    const [caption] = await generateCaptions(decoder, pixels(1), SCRIPT_WORDS, {
      beams: 1,
      lengthPenalty: 0,
      maxLength: 6,
    });
    expect(caption).toMatchObject({ words: [A, A, A], ended: false });
    expect(caption!.logProb).toBeCloseTo(4 * Math.log(0.9), 5);
    // Of the last step all three candidates are hypotheses.
    expect(caption!.hypotheses).toHaveLength(3);
    expect(seen.steps).toBe(4);
  });

  it('lets each image of a batch end in its own time', async () => {
    const { decoder } = scriptedDecoder((text, image) =>
      text.length < image ? { [A + image]: 1 } : { [END]: 1 },
    );
    const captions = await generateCaptions(decoder, pixels(4), SCRIPT_WORDS, { beams: 2 });
    expect(captions.map(({ words }) => words)).toEqual([
      [],
      [A + 1],
      [A + 2, A + 2],
      [A + 3, A + 3, A + 3],
    ]);
  });
});
