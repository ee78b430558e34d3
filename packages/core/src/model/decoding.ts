import {
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { ConfigError, ShapeError } from '../errors/errors.js';
import {
  add,
  cast,
  concat,
  equal,
  gather,
  greater,
  HIDDEN,
  matMul,
  mul,
  pad,
  range,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  transpose,
} from '../ops/index.js';
import type { Parameters } from '../parameters/parameters.js';
import type { ModelConfig } from './config.js';
import { embedImage, embedText, type ImageInput } from './embeddings.js';
import { encode } from './encoder.js';
import { multiwayLayer } from './layer.js';
import { namedNorm } from './modules.js';
import { LANGUAGE } from './routing.js';
import { FIRST_POSITION } from './specs.js';

/** Keys and values of one layer: `[S, H, 1 + P, d]` of the images, `[B, H, L, d]` of the texts. */
export type LayerState = {
  imageKeys: Tensor4D;
  imageValues: Tensor4D;
  textKeys: Tensor4D;
  textValues: Tensor4D;
};

/** The part of the images. */
export type ImageState = Pick<LayerState, 'imageKeys' | 'imageValues'>;

/**
 * What decoding carries from word to word. S images, B = S × beams texts, L = the longest text.
 *
 * The image's part is encoded once, shared by its beams and never re-ordered; a slot of the text's
 * part beyond the words so far holds nothing that is read.
 */
export type DecodingState = {
  layers: LayerState[];
  maxLength: number;
};

export type Decoded = {
  /** Output of the two positions fed, `[B, 2, D]`; the second (`<mask>`) predicts the next word. */
  text: Tensor3D;
  /** The caller owns it: `disposeDecodingState`. */
  state: DecodingState;
};

/**
 * Every layer's keys and values of the images: all of them that decoding needs. The caller owns them.
 *
 * In image-to-text generation an image sees only itself (reference: modeling_finetune.py:145-157), so
 * it is encoded without its text, by the experts of a fused pass.
 */
export function encodeImages(
  parameters: Parameters,
  config: ModelConfig,
  image: ImageInput,
): ImageState[] {
  return tidy(() => {
    const layers: ImageState[] = [];
    encode(parameters, config, [embedImage(parameters, config, image)], {
      mode: 'fused',
      onKeysAndValues: (imageKeys, imageValues) => {
        layers.push({ imageKeys: imageKeys.clone(), imageValues: imageValues.clone() });
      },
    });
    return layers;
  });
}

/**
 * The first call: images and [`<s>`, `<mask>`], ids `[S, 2]` int32. The caller owns the results.
 *
 * Texts see images and themselves up to their own position (reference: modeling_finetune.py:145-170).
 */
export function prefill(
  parameters: Parameters,
  config: ModelConfig,
  image: ImageInput,
  ids: Tensor2D,
  maxLength: number,
): Decoded {
  requireTwo('prefill', ids);
  const longest = config.maxTextPositions - FIRST_POSITION;
  if (!Number.isSafeInteger(maxLength) || maxLength < 2 || maxLength > longest) {
    throw new ConfigError({
      code: 'config/invalid-value',
      where: 'prefill',
      expected: `maxLength to be an integer from 2 to ${longest}`,
      got: String(maxLength),
    });
  }
  return tidy(() => {
    const images = encodeImages(parameters, config, image);
    const { x } = embedText(parameters, config, ids);
    const begin = tensor1d([0], 'int32');
    const layers: LayerState[] = [];
    const text = decodeLayers(parameters, config, x, (q, k, v, layer) => {
      const state = images[layer]!;
      layers.push({ ...state, textKeys: padded(k, maxLength), textValues: padded(v, maxLength) });
      return attendToState(q, { ...state, textKeys: k, textValues: v }, begin);
    });
    return { text, state: { layers, maxLength } };
  });
}

/**
 * A later call: ids `[B, 2]` = [last word, `<mask>`], `position [1]` int32 = index of that word in
 * its text (`<s>` is 0), at most `maxLength` − 2. The slot of the last call's `<mask>` is overwritten. The caller owns the
 * results; the old state stays as it is.
 */
export function decodeStep(
  parameters: Parameters,
  config: ModelConfig,
  state: DecodingState,
  ids: Tensor2D,
  position: Tensor1D,
): Decoded {
  requireTwo('decodeStep', ids);
  const texts = state.layers[0]!.textKeys.shape[0];
  if (ids.shape[0] !== texts || position.shape.join() !== '1') {
    throw new ShapeError({
      code: 'shape/decoding-ids',
      where: 'decodeStep',
      expected: `ids [B, 2] for the state's ${texts} texts, and a position [1]`,
      got: `ids [${ids.shape}], position [${position.shape}]`,
    });
  }
  return tidy(() => {
    const positions = add(position, range(0, 2, 1, 'int32')) as Tensor1D; // [2]
    const { x } = embedText(parameters, config, ids, undefined, positions);
    const layers: LayerState[] = [];
    const text = decodeLayers(parameters, config, x, (q, k, v, layer) => {
      const before = state.layers[layer]!;
      const textKeys = written(before.textKeys, k, position);
      const textValues = written(before.textValues, v, position);
      // The images' keys and values are shared with the state before: clones count references.
      layers.push({
        imageKeys: before.imageKeys.clone(),
        imageValues: before.imageValues.clone(),
        textKeys,
        textValues,
      });
      return attendToState(q, { ...before, textKeys, textValues }, position);
    });
    return { text, state: { layers, maxLength: state.maxLength } };
  });
}

/**
 * A state before the first word: `beams` texts of each image, with room for `maxLength` tokens each.
 * The caller owns it; the images' part stays the caller's as well.
 */
export function beginDecoding(
  images: readonly ImageState[],
  beams: number,
  maxLength: number,
): DecodingState {
  const [count, heads, , d] = images[0]!.imageKeys.shape;
  const shape: [number, number, number, number] = [count * beams, heads, maxLength, d];
  const size = shape.reduce((product, n) => product * n, 1);
  const none = () => tensor4d(new Float32Array(size), shape);
  const layers = images.map(({ imageKeys, imageValues }) => ({
    imageKeys: imageKeys.clone(),
    imageValues: imageValues.clone(),
    textKeys: none(),
    textValues: none(),
  }));
  return { layers, maxLength };
}

/** The texts of a state in another order, or several times: rows `[B']` int32. Caller owns the result. */
export function reorderTexts(state: DecodingState, rows: Tensor1D): DecodingState {
  return tidy(() => {
    const layers = state.layers.map((layer) => ({
      imageKeys: layer.imageKeys.clone(),
      imageValues: layer.imageValues.clone(),
      textKeys: gather(layer.textKeys, rows) as Tensor4D,
      textValues: gather(layer.textValues, rows) as Tensor4D,
    }));
    return { layers, maxLength: state.maxLength };
  });
}

export function disposeDecodingState(state: DecodingState): void {
  for (const layer of state.layers) {
    for (const tensor of Object.values(layer) as Tensor[]) tensor.dispose();
  }
}

/** The two tokens fed `[B, 2, D]` through all layers and the output norm, where there is one. */
function decodeLayers(
  parameters: Parameters,
  config: ModelConfig,
  x: Tensor3D,
  attend: (q: Tensor4D, k: Tensor4D, v: Tensor4D, layer: number) => Tensor4D,
): Tensor3D {
  const segments = [{ way: LANGUAGE, length: 2 }];
  let xs = [x];
  for (let layer = 0; layer < config.layers; layer++) {
    xs = multiwayLayer(xs, parameters, {
      config,
      layer,
      mode: 'fused',
      segments,
      attend: (q, k, v) => attend(q, k, v, layer),
    });
  }
  if (!config.normalizeOutput) return xs[0]!;
  return namedNorm(xs[0]!, parameters, `beit3.encoder.layer_norm.${LANGUAGE}`, config);
}

/** softmax over image and text keys together: q `[B, H, 2, d]` → `[B, H, 2, d]`. */
function attendToState(q: Tensor4D, state: LayerState, position: Tensor1D): Tensor4D {
  const [texts, heads, fed, d] = q.shape;
  const [images, , imageLength] = state.imageKeys.shape;
  const beams = texts / images;
  const scaled = mul(q, d ** -0.5);
  // All beams of an image ask its keys in one product; a single one has nothing to group.
  const grouped = (x: Tensor, width: number) =>
    beams === 1
      ? x
      : reshape(transpose(reshape(x, [images, beams, heads, fed, width]), [0, 2, 1, 3, 4]), [
          images,
          heads,
          beams * fed,
          width,
        ]);
  const ungrouped = (x: Tensor, width: number) =>
    beams === 1
      ? x
      : reshape(transpose(reshape(x, [images, heads, beams, fed, width]), [0, 2, 1, 3, 4]), [
          texts,
          heads,
          fed,
          width,
        ]);
  const swap = [0, 1, 3, 2];
  const imageScores = ungrouped(
    matMul(grouped(scaled, d), transpose(state.imageKeys, swap)),
    imageLength,
  ); // [B, H, 2, 1 + P]
  const length = state.textKeys.shape[2];
  const last = reshape(add(position, range(0, fed, 1, 'int32')), [fed, 1]); // [2, 1]
  const hidden = cast(greater(reshape(range(0, length, 1, 'int32'), [1, length]), last), 'float32');
  const textScores = add(matMul(scaled, transpose(state.textKeys, swap)), mul(hidden, HIDDEN)); // [B, H, 2, L]
  const probs = softmax(concat([imageScores, textScores], 3)); // [B, H, 2, 1 + P + L]
  const imageProbs = slice(probs, [0, 0, 0, 0], [-1, -1, -1, imageLength]);
  const textProbs = slice(probs, [0, 0, 0, imageLength], [-1, -1, -1, -1]);
  const fromImage = ungrouped(matMul(grouped(imageProbs, imageLength), state.imageValues), d);
  return add(fromImage, matMul(textProbs, state.textValues)) as Tensor4D;
}

/** `slots [B, H, L, d]` with the two rows of `fresh [B, H, 2, d]` at `position` and the next. */
function written(slots: Tensor4D, fresh: Tensor4D, position: Tensor1D): Tensor4D {
  const length = slots.shape[2];
  const index = reshape(range(0, length, 1, 'int32'), [length, 1]);
  const rows = add(position, range(0, 2, 1, 'int32')); // [2]
  const at = cast(equal(index, rows), 'float32'); // [L, 2]
  const kept = mul(slots, sub(1, sum(at, 1, true)));
  return add(kept, matMul(at, fresh)) as Tensor4D;
}

/** `[B, H, n, d]` → `[B, H, L, d]`, zeros behind. */
function padded(x: Tensor4D, length: number): Tensor4D {
  return pad(x, [
    [0, 0],
    [0, 0],
    [0, length - x.shape[2]],
    [0, 0],
  ]);
}

function requireTwo(where: string, ids: Tensor2D): void {
  if (ids.shape[1] !== 2) {
    throw new ShapeError({
      code: 'shape/decoding-ids',
      where,
      expected: 'ids [B, 2]: the last word and <mask>',
      got: `[${ids.shape}]`,
    });
  }
}
