import { describe, expect, it } from 'vitest';
import { SCRIPT_SIZE, SCRIPT_WORDS, scriptedDecoder } from '../../../test/scripted-decoder.js';
import { generateCaptions, streamCaptions } from './generate.js';
import type { CaptionOptions } from './options.js';

const pixels = { dtype: 'float32', shape: [1, 3, 2, 2], data: new Float32Array(12) } as const;
const { decoder, seen } = scriptedDecoder(() => ({ 4: 1 }));
const write = (options: object, images: object = pixels, vocabulary: object = SCRIPT_WORDS) =>
  generateCaptions(
    decoder,
    images as typeof pixels,
    vocabulary as typeof SCRIPT_WORDS,
    options as CaptionOptions,
  );

describe('options of captions', () => {
  it.each([
    ['config/unknown-key', { beam: 3 }],
    ['config/unsupported-option', { search: 'greedy', beams: 3 }],
    ['config/unsupported-option', { search: 'greedy', temperature: 0.5 }],
    ['config/unsupported-option', { beams: 3, temperature: 0.5 }],
    ['config/unsupported-option', { search: 'sample', seed: 1, lengthPenalty: 1 }],
    ['config/unsupported-option', { search: 'sample', seed: 1, beams: 2 }],
    ['config/invalid-value', { search: 'beams' }],
    ['config/invalid-value', { beams: 0 }],
    ['config/invalid-value', { beams: 1.5 }],
    ['config/invalid-value', { beams: SCRIPT_SIZE / 3 + 1 }],
    ['config/invalid-value', { lengthPenalty: Number.NaN }],
    ['config/invalid-value', { earlyStopping: 'yes' }],
    ['config/invalid-value', { maxLength: 2 }],
    ['config/invalid-value', { maxLength: 63 }],
    ['config/invalid-value', { search: 'sample' }],
    ['config/invalid-value', { search: 'sample', seed: 1, temperature: 0 }],
    ['config/invalid-value', { search: 'sample', seed: 1, topP: 0 }],
    ['config/invalid-value', { search: 'sample', seed: 1, topP: 1.1 }],
    ['config/invalid-value', { search: 'sample', seed: 1, topK: 0 }],
    ['config/invalid-value', { search: 'sample', seed: 1, topK: SCRIPT_SIZE + 1 }],
    ['config/invalid-value', { search: 'sample', seed: 1, firstIndex: -1 }],
  ])('are refused with %s: %o', async (code, options) => {
    await expect(write(options)).rejects.toMatchObject({ code });
  });

  it('say who has the one that is not supported', async () => {
    await expect(write({ search: 'greedy', beams: 3 })).rejects.toMatchObject({
      expected: "options of the search 'greedy': search, maxLength, signal",
      got: 'beams',
      fix: "The search 'beam' has it.",
    });
  });

  it('need a vocabulary of the model and pixels of images', async () => {
    const other = { ...SCRIPT_WORDS, maskId: SCRIPT_SIZE };
    await expect(write({}, pixels, other)).rejects.toMatchObject({ code: 'config/invalid-value' });
    for (const shape of [
      [1, 3, 2],
      [1, 1, 2, 2],
      [1, 3, 3, 2],
      [1, 3, 0, 2],
    ]) {
      await expect(write({}, { ...pixels, shape })).rejects.toMatchObject({ code: 'shape/pixels' });
    }
    expect(await write({}, { ...pixels, shape: [0, 3, 2, 2] })).toEqual([]);
  });

  it('say when a model knows no probabilities', async () => {
    const broken = scriptedDecoder(() => ({ 4: Number.NaN, 0: Number.NaN })).decoder;
    const captions = generateCaptions(broken, pixels, SCRIPT_WORDS, { search: 'sample', seed: 1 });
    await expect(captions).rejects.toMatchObject({ code: 'data/not-a-number' });
  });
});

describe('a signal', () => {
  it('ends generation before the next word, and frees its state', async () => {
    const abort = new AbortController();
    const stream = streamCaptions(decoder, pixels, SCRIPT_WORDS, {
      search: 'greedy',
      signal: abort.signal,
    });
    await stream.next();
    await stream.next();
    const { steps } = seen;
    expect(seen.open).toBe(1);
    abort.abort(new Error('enough'));
    await expect(stream.next()).rejects.toThrow('enough');
    expect(seen).toEqual({ steps, open: 0 });
  });

  it('that was given already begins nothing', async () => {
    const { steps } = seen;
    const writing = write({ signal: AbortSignal.abort() });
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
    expect(seen).toEqual({ steps, open: 0 });
  });
});
