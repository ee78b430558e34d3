import {
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tensor2d,
  tensor4d,
} from '@tensorflow/tfjs-core';
import {
  type ModelConfig,
  type ModelConfigInput,
  modelConfig,
  type Variant,
} from '../src/model/config.js';
import { type PresetName, preset } from '../src/model/presets.js';
import { backboneSpecs } from '../src/model/specs.js';
import type { ParameterSpecs } from '../src/parameters/parameters.js';
import { draw } from '../src/random/random.js';
import { normals, sizeOf } from './numbers.js';

/** As small as a model can be with nothing degenerate: 2 × 3 patches, 3 layers, 2 heads. */
export function smallConfig(changes: Partial<ModelConfigInput> = {}): ModelConfig {
  return modelConfig({
    imageSize: [4, 6],
    patchSize: 2,
    vocabularySize: 11,
    dim: 8,
    heads: 2,
    ffnDim: 12,
    layers: 3,
    maxTextPositions: 12,
    ...changes,
  });
}

/** Both variants, the paper's with one fusion layer. */
export const VARIANTS: readonly [name: string, changes: Partial<ModelConfigInput>][] = [
  ['released', { variant: 'released' }],
  ['paper', { variant: 'paper', fusionLayers: 1 }],
];

/** Numbers for every parameter, none of them 0 or 1: a tensor that is mixed up shows. */
export function randomParameters(specs: ParameterSpecs, seed = 1): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, init }]) => {
      const centre = init.kind === 'ones' ? 1 : 0;
      const values = normals(sizeOf(shape), seed, name).map((x) => centre + 0.4 * x);
      return [name, tensor(values, [...shape], 'float32')];
    }),
  );
}

export function smallModel(changes: Partial<ModelConfigInput> = {}): {
  config: ModelConfig;
  parameters: Record<string, Tensor>;
} {
  const config = smallConfig(changes);
  return { config, parameters: randomParameters(backboneSpecs(config)) };
}

/** Normal pixels `[batch, 3, height, width]`, by default of the model's own size. */
export function pixelsOf(
  { imageSize }: ModelConfig,
  batch: number,
  [height, width]: readonly [number, number] = imageSize,
): Tensor4D {
  return tensor4d(normals(batch * 3 * height * width, 5), [batch, 3, height, width]);
}

/** Ids `[batch, length]` that begin with `<s>` (0). */
export function textOf({ vocabularySize }: ModelConfig, batch: number, length: number): Tensor2D {
  const random = draw(6, 'text');
  const ids = Array.from({ length: batch * length }, (_, i) =>
    i % length === 0 ? 0 : random.integer(vocabularySize),
  );
  return tensor2d(ids, [batch, length], 'int32');
}

/**
 * A preset that runs in milliseconds: its patches, its ratio of FFN to width, its kind of fusion, and
 * at most three layers of width 16 on 2 × 2 patches.
 */
export function reduced(name: PresetName, variant: Variant): ModelConfig {
  const config = preset(name);
  const layers = Math.min(config.layers, 3);
  const { patchSize } = config;
  const dim = 16;
  return modelConfig({
    ...config,
    variant,
    fusionLayers: variant === 'paper' ? 1 : 0,
    imageSize: [2 * patchSize, 2 * patchSize],
    vocabularySize: 23,
    dim,
    heads: 4,
    ffnDim: Math.round((config.ffnDim / config.dim) * dim),
    layers,
    maxTextPositions: 12,
  });
}
