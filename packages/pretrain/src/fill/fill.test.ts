import '@tensorflow/tfjs-backend-cpu';
import { eagerExecutor, initializeParameters } from '@imglish/core';
import { withoutLeaks } from '@imglish/testing';
import { defaultPreprocessor } from '@imglish/tokenizers';
import { dispose, mul } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overfitModel } from '../../test/overfit.js';
import { randomParameters } from '../../test/parameters.js';
import {
  CODES,
  COLOURS,
  codesOf,
  mosaic,
  toyConfig,
  toyTextTokenizer,
  toyTokenizers,
  toyVisualTokenizer,
} from '../../test/toy.js';
import type { PretrainedModel } from '../bundle/pretrained-model.js';
import { pretrainSpecs } from '../recipe/pretrain.js';
import { fillImage } from './fill-image.js';
import { fillText } from './fill-text.js';
import { indexOfMax, mostProbable, softmax } from './most-probable.js';

let model: PretrainedModel;
beforeAll(async () => {
  model = await overfitModel();
}, 120_000);
afterAll(() => dispose({ ...model.parameters }));

const names = Object.keys(COLOURS);
const plain = (name: string) => mosaic(new Array<number>(4).fill(names.indexOf(name)));
const refusal = (code: string) => expect.objectContaining({ name: 'ConfigError', code });

describe('a model that knows five pairs by heart', () => {
  it.each(names)('names %s in the caption of the picture', async (name) => {
    const { text, blanks } = await fillText(model, '<mask> above <mask>', { image: plain(name) });
    expect(text).toBe(`${name} above ${name}`);
    expect(blanks.length).toBe(2);
    for (const guesses of blanks) {
      expect(guesses.length).toBe(5);
      expect(guesses[0]!.piece).toBe(`\u2581${name}`);
      expect(guesses[0]!.id).toBe(model.tokenizer.pieceToId(guesses[0]!.piece));
      const probabilities = guesses.map(({ probability }) => probability);
      expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
      expect(probabilities[0]).toBeGreaterThan(0.5);
      expect(probabilities.reduce((a, b) => a + b)).toBeLessThan(1 + 1e-6);
    }
  });

  it.each(names)('fills in %s patches', async (name) => {
    const image = plain(name);
    const mask = [1, 0, 0, 1];
    const filled = await fillImage(model, image, mask, { caption: `${name} above ${name}` });
    expect([...filled.codes]).toEqual([names.indexOf(name), names.indexOf(name)]);
    expect([...filled.expected]).toEqual([...filled.codes]);
    expect(filled.original).toEqual(image);
    expect(filled.filled).toEqual(image);
    const pixel = (x: number, y: number) => [
      ...filled.masked.data.slice(3 * (4 * y + x), 3 * (4 * y + x) + 3),
    ];
    expect(pixel(1, 1)).toEqual([128, 128, 128]);
    expect(pixel(2, 3)).toEqual([128, 128, 128]);
    expect(pixel(3, 0)).toEqual(COLOURS[name]);
    expect(pixel(0, 3)).toEqual(COLOURS[name]);
  });

  it('reads the image: another one, another answer; without one, one for all', async () => {
    const answer = async (name?: string) =>
      (await fillText(model, '<mask> above red', name ? { image: plain(name) } : {})).text;
    expect(await answer('red')).toBe('red above red');
    expect(await answer()).toBe(await answer());
  });
});

it('a model that something else runs fills in the same', async () => {
  const { parameters, ...rest } = model;
  const served = { ...rest, executor: eagerExecutor(parameters) };
  const image = plain('red');
  for (const options of [{}, { image }]) {
    const text = '<mask> above red';
    expect(await fillText(served, text, options)).toEqual(await fillText(model, text, options));
  }
  expect(await fillImage(served, image, [1, 0, 0, 1])).toEqual(
    await fillImage(model, image, [1, 0, 0, 1]),
  );
});

describe('fillText', () => {
  it('gives as many guesses as asked for, none beyond the vocabulary', async () => {
    const guesses = async (top: number) =>
      (await fillText(model, 'red <mask>', { top })).blanks[0]!;
    expect((await guesses(2)).length).toBe(2);
    const all = await guesses(1000);
    // <s>, <pad>, </s>, <unk> and <mask> are no answers.
    expect(all.length).toBe(model.tokenizer.vocabSize - 5);
    expect(all.some(({ piece }) => /^<.*>$/.test(piece))).toBe(false);
    expect(model.config.vocabularySize).toBeGreaterThan(all.length);
  });

  it('leaves nothing behind', async () => {
    await withoutLeaks(() => fillText(model, 'red <mask>', { image: plain('red') }));
  });

  it.each([
    ['a text without a blank', 'red', {}, 'config/no-blank'],
    ['a text beyond the positions', `<mask>${' red'.repeat(31)}`, {}, 'config/text-too-long'],
    ['no guesses', '<mask>', { top: 0 }, 'config/invalid-value'],
    ['half a guess', '<mask>', { top: 1.5 }, 'config/invalid-value'],
  ])('refuses %s', async (_, text, options, code) => {
    await withoutLeaks(() => expect(fillText(model, text, options)).rejects.toThrow(refusal(code)));
  });
});

describe('fillImage', () => {
  it('does not see what is under the mask', async () => {
    const config = toyConfig();
    const drawn = randomParameters(config);
    const name = 'beit3.vision_embed.proj.weight';
    const strong = mul(drawn[name]!, 10); // What a patch shows decides what is said of it.
    const random = { config, parameters: { ...drawn, [name]: strong }, ...toyTokenizers() };
    const codes = codesOf(1);
    const mask = codes.map((_, i) => i % 2);
    const others = codes.map((code, i) => (mask[i] === 1 ? (code + 1) % CODES : code));
    const [filled, hidden] = [
      await fillImage(random, mosaic(codes), mask),
      await fillImage(random, mosaic(others), mask),
    ];
    expect(hidden.expected).not.toEqual(filled.expected);
    expect(hidden.codes).toEqual(filled.codes);
    dispose([drawn, strong]);
  });

  it('leaves nothing behind, with or without a caption', async () => {
    await withoutLeaks(async () => {
      await fillImage(model, plain('red'), [1, 0, 0, 0]);
      await fillImage(model, plain('red'), [1, 1, 1, 1], { caption: 'red above red' });
    });
  });

  it.each([
    ['no masked patch', [0, 0, 0, 0]],
    ['the mask of another grid', [1, 0, 0, 0, 0, 0]],
    ['a mask that is neither 0 nor 1', [1, 0.5, 0, 0]],
  ])('refuses %s', async (_, mask) => {
    const filled = fillImage(model, plain('red'), mask);
    await expect(filled).rejects.toThrow(refusal('config/image-mask'));
  });

  it('refuses a caption beyond the positions', async () => {
    const options = { caption: 'red '.repeat(31) };
    const filled = fillImage(model, plain('red'), [1, 0, 0, 0], options);
    await expect(filled).rejects.toThrow(refusal('config/text-too-long'));
  });

  it('refuses a visual tokenizer whose codes have no picture', async () => {
    const { codes, ...rest } = toyVisualTokenizer();
    const own = model.visualTokenizer;
    const blind = {
      ...rest,
      codes,
      grid: own.grid.bind(own),
      encode: own.encode.bind(own),
      toJSON: () => ({ type: 'features', codes }),
      toTensors: () => ({}),
    };
    const filled = fillImage({ ...model, visualTokenizer: blind }, plain('red'), [1, 0, 0, 0]);
    await expect(filled).rejects.toThrow(refusal('config/no-pictures'));
  });
});

describe('parts that do not belong together', () => {
  const filledBy = (changes: Partial<PretrainedModel>) => {
    const other = { ...model, ...changes };
    return [
      () => fillText(other, '<mask>', { image: plain('red') }),
      () => fillImage(other, plain('red'), [1, 0, 0, 0]),
    ];
  };

  it('are refused', async () => {
    const { config } = model;
    for (const [changes, code] of [
      [{ visualTokenizer: toyVisualTokenizer(4) }, 'config/visual-grid'],
      [{ preprocessor: defaultPreprocessor([8, 8]) }, 'config/image-size'],
      [
        { config: { ...config, vocabularySize: toyTextTokenizer().vocabSize - 1 } },
        'config/vocabulary-size',
      ],
    ] as const) {
      for (const fill of filledBy(changes)) await expect(fill()).rejects.toThrow(refusal(code));
    }
  });

  it('and a head over another codebook too', async () => {
    const parameters = initializeParameters(pretrainSpecs(model.config, CODES - 1), 0);
    const [, fill] = filledBy({ parameters });
    await expect(fill!()).rejects.toThrow(refusal('config/codebook-size'));
    dispose(parameters);
  });
});

describe('the most probable', () => {
  it('comes first, of equal ones the one of the smaller index', () => {
    expect(indexOfMax([1, 3, 3, 2])).toBe(1);
    expect(mostProbable([0.1, 0.4, 0.1, 0.4, 9], 4, 3)).toEqual([
      [1, 0.4],
      [3, 0.4],
      [0, 0.1],
    ]);
  });

  it('has the largest softmax, of large logits too', () => {
    const logits = [0, Math.log(3), Math.log(4)].map((z) => z + 1000);
    const [a, b, c] = softmax(Float32Array.from(logits));
    expect(a).toBeCloseTo(1 / 8, 4);
    expect(b).toBeCloseTo(3 / 8, 4);
    expect(c).toBeCloseTo(4 / 8, 4);
  });
});
