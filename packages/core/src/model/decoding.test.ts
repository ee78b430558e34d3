import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import {
  concat,
  dispose,
  slice,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectClose, valuesOf } from '../../test/numbers.js';
import { pixelsOf, smallModel, VARIANTS } from '../../test/small-model.js';
import { beit3 } from './beit3.js';
import {
  beginDecoding,
  type DecodingState,
  decodeStep,
  disposeDecodingState,
  encodeImages,
  prefill,
  reorderTexts,
} from './decoding.js';
import { unidirectionalMask } from './masks.js';

const MASK = 10;
const IMAGE_LENGTH = 7;

type Model = ReturnType<typeof smallModel>;

/** The last two positions of [words, `<mask>`] in one whole pass, the image given to every text. */
function uncached({ config, parameters }: Model, images: number, texts: number[][]): number[] {
  return tidy(() => {
    const pixels = pixelsOf(config, images);
    const beams = texts.length / images;
    const repeated = texts.map((_, i) =>
      slice(pixels, [Math.floor(i / beams), 0, 0, 0], [1, -1, -1, -1]),
    );
    const ids = texts.map((words) => [...words, MASK]);
    const length = ids[0]!.length;
    const total = IMAGE_LENGTH + length;
    const { text } = beit3(
      parameters,
      config,
      {
        image: { pixels: concat(repeated, 0) },
        textIds: tensor2d(ids, [ids.length, length], 'int32'),
      },
      { attentionMask: tensor2d(unidirectionalMask(IMAGE_LENGTH, length), [total, total]) },
    );
    return valuesOf(slice(text!, [0, length - 2, 0], [-1, 2, -1]));
  });
}

const begin = ({ config, parameters }: Model, images: number, maxLength: number) =>
  tidy(() => {
    const ids = tensor2d(Array(images).fill([0, MASK]), [images, 2], 'int32');
    return prefill(parameters, config, { pixels: pixelsOf(config, images) }, ids, maxLength);
  });

/** Feeds every text its next word; the state before goes. */
function step(
  { config, parameters }: Model,
  state: DecodingState,
  words: number[],
  position: number,
) {
  const ids = tensor2d(
    words.map((word) => [word, MASK]),
    [words.length, 2],
    'int32',
  );
  const at = tensor1d([position], 'int32');
  const decoded = decodeStep(parameters, config, state, ids, at);
  dispose([ids, at]);
  disposeDecodingState(state);
  return decoded;
}

function reordered(state: DecodingState, rows: number[]): DecodingState {
  const order = tensor1d(rows, 'int32');
  const result = reorderTexts(state, order);
  order.dispose();
  disposeDecodingState(state);
  return result;
}

const word = (text: number, position: number) => (3 * text + 5 * position + 1) % 10;

describe.each(VARIANTS)('decoding, %s', (_, changes) => {
  const model = smallModel(changes);

  it.each([2, 3, 6, 10])('gives what a whole pass gives, up to length %i', (maxLength) => {
    withoutLeaks(() => {
      let { text, state } = begin(model, 2, maxLength);
      const texts = [[0], [0]];
      expectClose(text, uncached(model, 2, texts));
      for (let position = 1; position <= maxLength - 2; position++) {
        for (const [i, words] of texts.entries()) words.push(word(i, position));
        text.dispose();
        ({ text, state } = step(
          model,
          state,
          texts.map((words) => words.at(-1)!),
          position,
        ));
        expectClose(text, uncached(model, 2, texts));
      }
      dispose(text);
      disposeDecodingState(state);
    });
  });

  it.each([1, 2])('begins without a word, for %i texts of an image', (beams) => {
    withoutLeaks(() => {
      const pixels = pixelsOf(model.config, 2);
      const images = encodeImages(model.parameters, model.config, { pixels });
      let state = beginDecoding(images, beams, 5);
      for (const layer of images) dispose(layer);
      const texts = Array.from({ length: 2 * beams }, () => [0]);
      for (let position = 0; position <= 3; position++) {
        if (position > 0) for (const [i, words] of texts.entries()) words.push(word(i, position));
        const words = texts.map((text) => text.at(-1)!);
        const { text, state: next } = step(model, state, words, position);
        expectClose(text, uncached(model, 2, texts));
        state = next;
        text.dispose();
      }
      disposeDecodingState(state);
      pixels.dispose();
    });
  });

  it.each([true, false])('without and with an output norm: %s', (normalizeOutput) => {
    const other = smallModel({ ...changes, normalizeOutput });
    const first = begin(other, 1, 4);
    expectClose(first.text, uncached(other, 1, [[0]]));
    const { text, state } = step(other, first.state, [4], 1);
    expectClose(text, uncached(other, 1, [[0, 4]]));
    disposeDecodingState(state);
  });

  it.each([1, 3])('lets %i beams share an image, and change places', (beams) => {
    const images = 2;
    const rows = Array.from({ length: images * beams }, (_, i) => Math.floor(i / beams));
    withoutLeaks(() => {
      const first = begin(model, images, 6);
      first.text.dispose();
      let state = reordered(first.state, rows);
      let texts: number[][] = rows.map(() => [0]);
      for (let position = 1; position <= 4; position++) {
        texts = texts.map((words, i) => [...words, word(i, position)]);
        const { text, state: next } = step(
          model,
          state,
          texts.map((words) => words.at(-1)!),
          position,
        );
        expectClose(text, uncached(model, images, texts));
        text.dispose();
        // of three beams the first falls out and the last is doubled
        const order = rows.map((image, i) => image * beams + ([1, 2, 2][i % beams]! % beams));
        state = reordered(next, order);
        texts = order.map((row) => texts[row]!);
      }
      for (const { imageKeys, textKeys } of state.layers) {
        expect(imageKeys.shape).toEqual([images, 2, IMAGE_LENGTH, 4]);
        expect(textKeys.shape).toEqual([images * beams, 2, 6, 4]);
      }
      disposeDecodingState(state);
    });
  });

  it('leaves the state it was given as it is', () => {
    const { text, state } = begin(model, 1, 5);
    const { config, parameters } = model;
    const next = (id: number) => {
      const ids = tensor2d([[id, MASK]], [1, 2], 'int32');
      const { text, state: after } = decodeStep(
        parameters,
        config,
        state,
        ids,
        tensor1d([1], 'int32'),
      );
      disposeDecodingState(after);
      return valuesOf(text);
    };
    const first = next(4);
    expect(next(7)).not.toEqual(first);
    expect(next(4)).toEqual(first);
    dispose(text);
    disposeDecodingState(state);
  });
});

describe('decoding refuses', () => {
  const model = smallModel();
  const { config, parameters } = model;
  const image = { pixels: pixelsOf(config, 1) };
  const ids = (shape: [number, number]) =>
    tensor2d(Array(shape[0] * shape[1]).fill(0), shape, 'int32');
  const one = tensor1d([1], 'int32');

  it.each<[string, string, () => unknown]>([
    [
      'a maximum below 2',
      'config/invalid-value',
      () => prefill(parameters, config, image, ids([1, 2]), 1),
    ],
    [
      'one that is no integer',
      'config/invalid-value',
      () => prefill(parameters, config, image, ids([1, 2]), 4.5),
    ],
    [
      'one beyond the positions',
      'config/invalid-value',
      () => prefill(parameters, config, image, ids([1, 2]), 11),
    ],
    [
      'three ids to begin with',
      'shape/decoding-ids',
      () => prefill(parameters, config, image, ids([1, 3]), 5),
    ],
  ])('%s', (_, code, run) => {
    expect(run).toThrow(expect.objectContaining({ code }));
  });

  it('ids for other texts than the state has, or another position', () => {
    const { state } = begin(model, 2, 5);
    const refused =
      (shape: [number, number], position = one) =>
      () =>
        decodeStep(parameters, config, state, ids(shape), position);
    const error = expect.objectContaining({ code: 'shape/decoding-ids' });
    expect(refused([1, 2])).toThrow(error);
    expect(refused([2, 1])).toThrow(error);
    expect(refused([2, 2], tensor1d([1, 1], 'int32'))).toThrow(error);
    disposeDecodingState(state);
  });

  it('weights that lack one, and leaves nothing behind', () => {
    const { 'beit3.encoder.layers.2.ffn.B.fc2.bias': _, ...rest } = parameters;
    const given = ids([1, 2]) as Tensor2D;
    const { state } = begin(model, 1, 5);
    withoutLeaks(() => {
      expect(() => prefill(rest, config, image, given, 5)).toThrow(/fc2\.bias/);
      expect(() => decodeStep(rest, config, state, given, one)).toThrow(/fc2\.bias/);
    });
    disposeDecodingState(state);
  });
});

it('the texts of a state hold the keys of the words so far', () => {
  const model = smallModel();
  const { text, state } = begin(model, 1, 5);
  const keys = state.layers[0]!.textKeys;
  expect(keys.shape).toEqual([1, 2, 5, 4]);
  const beyond = valuesOf(slice(keys, [0, 0, 2, 0], [-1, -1, -1, -1]));
  expect(new Set(beyond)).toEqual(new Set([0]));
  expect((text as Tensor3D).shape).toEqual([1, 2, 8]);
  disposeDecodingState(state);
});
