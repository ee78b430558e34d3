import {
  type DecodingState,
  decodeStep,
  encodeImages,
  type LayerState,
  type ModelConfig,
  ops,
  reorderTexts,
  type TensorMap,
  type TensorSpec,
  type Traceable,
} from '@imglish/core';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { DecodingOptions } from './decoder.js';
import { candidatesAt } from './next-words.js';

/** A function to compile, and what it is compiled for. */
export interface Part {
  readonly f: Traceable;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly freeSizes: Readonly<Record<string, Readonly<Record<number, string>>>>;
}

/** What the parts of a caption's state are called, with their shapes for S images. */
export interface StateShapes {
  /** `{layer}.imageKeys` and so on: `[S, H, 1 + P, d]`. */
  readonly images: Readonly<Record<string, readonly number[]>>;
  /** `{layer}.textKeys` and so on: `[S, beams H, L, d]`, which for one beam is as a step takes it. */
  readonly texts: Readonly<Record<string, readonly number[]>>;
}

export function stateShapes(
  { layers, heads, dim, patchSize }: ModelConfig,
  pixels: readonly number[],
  { beams, maxLength }: DecodingOptions,
): StateShapes {
  const [images, , height, width] = pixels as [number, number, number, number];
  const tokens = 1 + (height / patchSize) * (width / patchSize);
  const named = (names: readonly string[], shape: readonly number[]) =>
    Object.fromEntries(
      Array.from({ length: layers }, (_, layer) =>
        names.map((name) => [`${layer}.${name}`, shape] as const),
      ).flat(),
    );
  const d = dim / heads;
  return {
    images: named(['imageKeys', 'imageValues'], [images, heads, tokens, d]),
    texts: named(['textKeys', 'textValues'], [images, beams * heads, maxLength, d]),
  };
}

/** pixels `[S, 3, H, W]` → the images' part of the state. */
export function imagesPart(config: ModelConfig, pixels: readonly number[]): Part {
  return {
    f: ({ pixels }, parameters) =>
      Object.fromEntries(
        encodeImages(parameters, config, { pixels: pixels as Tensor4D }).flatMap((state, layer) =>
          Object.entries(state).map(([name, tensor]) => [`${layer}.${name}`, tensor]),
        ),
      ),
    inputs: { pixels: { shape: pixels, dtype: 'float32' } },
    freeSizes: { pixels: { 0: 'images' } },
  };
}

/**
 * ids `[S, beams, 2]` (each text's last word and `<mask>`), its position `[1]`, the state before, and
 * where there are several beams, rows `[S, beams]`: which text each continues → the texts' part of the
 * state, and candidates for the next words.
 */
export function stepPart(
  config: ModelConfig,
  { images, texts }: StateShapes,
  options: DecodingOptions,
): Part {
  const { beams, maxLength } = options;
  const count = Object.values(images)[0]![0]!;
  const floats = (shapes: Readonly<Record<string, readonly number[]>>) =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape]): [string, TensorSpec] => [
        name,
        { shape, dtype: 'float32' },
      ]),
    );
  const inputs: Record<string, TensorSpec> = {
    ids: { shape: [count, beams, 2], dtype: 'int32' },
    position: { shape: [1], dtype: 'int32' },
    ...(beams > 1 ? { rows: { shape: [count, beams], dtype: 'int32' } as const } : {}),
    ...floats(images),
    ...floats(texts),
  };
  const free = Object.keys(inputs).filter((name) => name !== 'position');
  return {
    f: ({ ids, position, rows, ...past }, parameters) => {
      const before = stateOf(past, config, maxLength);
      const inOrder = rows ? reorderTexts(before, ops.reshape(rows, [-1]) as Tensor1D) : before;
      const words = ops.reshape(ids!, [-1, 2]) as Tensor2D;
      const decoded = decodeStep(parameters, config, inOrder, words, position as Tensor1D);
      return {
        ...candidatesAt(decoded.text, parameters, config, options),
        ...textsOf(decoded.state, beams),
      };
    },
    inputs,
    freeSizes: Object.fromEntries(free.map((name) => [name, { 0: 'images' }])),
  };
}

function stateOf(
  past: TensorMap,
  { layers, heads, dim }: ModelConfig,
  maxLength: number,
): DecodingState {
  const d = dim / heads;
  const flat = (x: Tensor) => ops.reshape(x, [-1, heads, maxLength, d]) as Tensor4D; // [S beams, …]
  const of = (layer: number): LayerState => ({
    imageKeys: past[`${layer}.imageKeys`] as Tensor4D,
    imageValues: past[`${layer}.imageValues`] as Tensor4D,
    textKeys: flat(past[`${layer}.textKeys`]!),
    textValues: flat(past[`${layer}.textValues`]!),
  });
  return { layers: Array.from({ length: layers }, (_, layer) => of(layer)), maxLength };
}

function textsOf({ layers }: DecodingState, beams: number): Record<string, Tensor> {
  const ofImages = (x: Tensor4D) => {
    const [, heads, length, d] = x.shape;
    return ops.reshape(x, [-1, beams * heads, length, d]);
  };
  return Object.fromEntries(
    layers.flatMap(({ textKeys, textValues }, layer) => [
      [`${layer}.textKeys`, ofImages(textKeys)],
      [`${layer}.textValues`, ofImages(textValues)],
    ]),
  );
}
