import { draw, type HostTensor } from '@imglish/core';
import { memoryCompiler, withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import { dispose, tensor1d } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { randomParameters, smallConfig } from '../../../test/small-model.js';
import { wholePassDecoder } from '../../../test/whole-pass-decoder.js';
import { headSpecs } from '../head.js';
import { captionDecoderFor, compiledCaptionDecoder } from './compiled-decoder.js';
import type { CaptionDecoder } from './decoder.js';
import { eagerCaptionDecoder } from './eager-decoder.js';
import { type CaptionToken, generateCaptions, streamCaptions } from './generate.js';
import type { CaptionOptions } from './options.js';
import type { Caption } from './search.js';

const vocabulary = { bosId: 0, padId: 1, eosId: 2, maskId: 10 };
const config = smallConfig({ normalizeOutput: true, maxTextPositions: 20 });
const parameters = randomParameters(config, headSpecs(config));
afterAll(() => dispose(parameters));

const IMAGES = 3;
const SIZE = 3 * config.imageSize[0] * config.imageSize[1];
const normals = draw(2, 'pixels');
const pixels = imagesOf(Float32Array.from({ length: IMAGES * SIZE }, () => 2 * normals.normal()));

function imagesOf(data: Float32Array): HostTensor {
  return { dtype: 'float32', shape: [data.length / SIZE, 3, ...config.imageSize], data };
}

const SEARCHES: [name: string, options: CaptionOptions][] = [
  ['greedy', { search: 'greedy', maxLength: 12 }],
  ['one beam', { beams: 1, maxLength: 12 }],
  ['three beams', { beams: 3, maxLength: 12 }],
  ['three beams, long captions', { beams: 3, lengthPenalty: 2, maxLength: 9 }],
  ['the first that ends', { beams: 2, earlyStopping: true, maxLength: 12 }],
  ['drawn', { search: 'sample', seed: 5, maxLength: 12 }],
  ['drawn from few', { search: 'sample', seed: 6, topK: 3, temperature: 0.7, maxLength: 12 }],
  ['drawn from a nucleus', { search: 'sample', seed: 7, topP: 0.8, maxLength: 12 }],
];

function expectSame(actual: readonly Caption[], expected: readonly Caption[]): void {
  const words = (captions: readonly Caption[]) =>
    captions.map(({ words, ended, hypotheses }) => [words, ended, hypotheses.map((h) => h.words)]);
  expect(words(actual)).toEqual(words(expected));
  actual.forEach(({ score, logProb }, i) => {
    expect(score).toBeCloseTo(expected[i]!.score, 5);
    expect(logProb).toBeCloseTo(expected[i]!.logProb, 4);
  });
}

describe.each(SEARCHES)('captions, %s', (_, options) => {
  const eager = eagerCaptionDecoder(parameters, config);
  const captionsBy = (decoder: CaptionDecoder, images = pixels, more: object = {}) =>
    generateCaptions(decoder, images, vocabulary, { ...options, ...more });

  it('are those of whole passes without a state', async () => {
    const whole = await captionsBy(wholePassDecoder(parameters, config));
    expectSame(await captionsBy(eager), whole);
    // Else all of this would say little.
    expect(new Set(whole.map(({ words }) => words.join())).size).toBeGreaterThan(1);
    expect(whole.some(({ words }) => words.length > 1)).toBe(true);
  });

  it('are the same in a batch and one by one', async () => {
    const batch = await captionsBy(eager);
    for (const [i, caption] of batch.entries()) {
      const one = imagesOf((pixels.data as Float32Array).slice(i * SIZE, (i + 1) * SIZE));
      const more = options.search === 'sample' ? { firstIndex: i } : {};
      expectSame(await captionsBy(eager, one, more), [caption]);
    }
  });

  it('are the same compiled, and nothing of the state is left', async () => {
    const compiler = memoryCompiler({ anySize: true });
    const decoder = await compiledCaptionDecoder(compiler, parameters, config);
    expectSame(await captionsBy(decoder), await captionsBy(eager));
    const one = imagesOf((pixels.data as Float32Array).slice(0, SIZE));
    expectSame(await captionsBy(decoder, one), (await captionsBy(eager)).slice(0, 1));
    expect(compiler.compiled).toHaveLength(2);
    expect(compiler.open()).toBe(3); // two functions, and the parameters
    await decoder.dispose();
    expect(compiler.open()).toBe(0);
  });

  it('leave no tensors', async () => {
    await withoutLeaks(async () => {
      await captionsBy(eager);
    });
  });
});

describe('streamed captions', () => {
  const eager = eagerCaptionDecoder(parameters, config);

  it.each(SEARCHES.filter(([, { search }]) => search === 'greedy' || search === 'sample'))(
    'give the words of the captions as they are found: %s',
    async (_, options) => {
      const stream = streamCaptions(eager, pixels, vocabulary, options);
      const tokens: CaptionToken[] = [];
      let result = await stream.next();
      for (; !result.done; result = await stream.next()) tokens.push(result.value);
      const captions = await generateCaptions(eager, pixels, vocabulary, options);
      expect(result.value).toEqual(captions);
      captions.forEach(({ words }, image) => {
        expect(tokens.filter((t) => t.image === image).map(({ word }) => word)).toEqual(words);
      });
    },
  );

  it('can be left early', async () => {
    await withoutLeaks(async () => {
      const options: CaptionOptions = { search: 'greedy' };
      for await (const { word } of streamCaptions(eager, pixels, vocabulary, options)) {
        expect(word).toBeGreaterThanOrEqual(0);
        break;
      }
    });
  });

  it('are refused for beams, whose words are not final', async () => {
    const stream = streamCaptions(eager, pixels, vocabulary, { beams: 2 });
    await expect(stream.next()).rejects.toMatchObject({
      code: 'config/unsupported-option',
      where: 'streamCaptions',
    });
  });
});

describe('a decoder', () => {
  it('is compiled where the backend compiles', async () => {
    const compiler = memoryCompiler({ anySize: true });
    const options: CaptionOptions = { search: 'greedy' };
    for (const backend of [{ compiler }, {}]) {
      const decoder = await captionDecoderFor(backend, parameters, config);
      await generateCaptions(decoder, pixels, vocabulary, options);
      await decoder.dispose();
    }
    expect(compiler.compiled).toHaveLength(2);
  });

  it('frees what is reserved when a run fails, and goes on', async () => {
    const compiler = memoryCompiler({ anySize: true });
    const decoder = await compiledCaptionDecoder(compiler, parameters, config);
    const write = () => generateCaptions(decoder, pixels, vocabulary);
    await write();
    const open = compiler.open();
    compiler.fail(new Error('not now'));
    await expect(write()).rejects.toThrow('not now');
    expect(compiler.open()).toBe(open);
    await write();
    expect(compiler.open()).toBe(open);
  });

  it('writes several batches at once', async () => {
    const compiler = memoryCompiler({ anySize: true });
    const decoder = await compiledCaptionDecoder(compiler, parameters, config);
    const backwards = imagesOf(
      Float32Array.from({ length: IMAGES }, (_, i) => IMAGES - 1 - i).reduce(
        (all, from, to) => {
          all.set(
            (pixels.data as Float32Array).subarray(from * SIZE, (from + 1) * SIZE),
            to * SIZE,
          );
          return all;
        },
        new Float32Array(IMAGES * SIZE),
      ),
    );
    const both = [pixels, backwards].map((each) => generateCaptions(decoder, each, vocabulary));
    const [first, second] = await Promise.all(both);
    expectSame(first!, second!.toReversed());
    await decoder.dispose();
  });
});

it.each(SEARCHES)(
  'rows of the model that no word belongs to are never said, %s',
  async (_, options) => {
    const wider = smallConfig({ ...config, vocabularySize: 14 });
    const own = randomParameters(wider, headSpecs(wider));
    const bias = own['mlm_head.bias']!;
    own['mlm_head.bias'] = tensor1d([...bias.dataSync()].map((x, id) => (id < 11 ? x : 30)));
    const eager = eagerCaptionDecoder(own, wider);
    const compiler = memoryCompiler({ anySize: true });
    const compiled = await compiledCaptionDecoder(compiler, own, wider);
    const of = (decoder: CaptionDecoder, more: object) =>
      generateCaptions(decoder, pixels, { ...vocabulary, ...more }, options);
    const most = (captions: Caption[]) => Math.max(...captions.flatMap(({ words }) => words));
    expect(most(await of(eager, {}))).toBeGreaterThan(10);
    const cut = await of(eager, { vocabSize: 11 });
    expect(most(cut)).toBeLessThan(11);
    expectSame(await of(compiled, { vocabSize: 11 }), cut);
    await compiled.dispose();
    dispose([own, bias]);
  },
);
