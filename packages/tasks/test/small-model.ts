import {
  backboneSpecs,
  draw,
  type ModelConfig,
  type ModelConfigInput,
  modelConfig,
  type ParameterSpecs,
  type PresetName,
  preset,
  type Variant,
} from '@imglish/core';
import { type Tensor, type Tensor2D, type Tensor4D, tensor } from '@tensorflow/tfjs-core';

export function smallConfig(changes: Partial<ModelConfigInput> = {}): ModelConfig {
  return modelConfig({
    imageSize: [4, 6],
    patchSize: 2,
    vocabularySize: 11,
    dim: 8,
    heads: 2,
    ffnDim: 12,
    layers: 2,
    maxTextPositions: 12,
    ...changes,
  });
}

/** A preset with its patches and its kind of fusion, narrow, shallow and on 2 × 2 patches. */
export function reduced(name: PresetName, variant: Variant, normalizeOutput: boolean): ModelConfig {
  const config = preset(name);
  const dim = 8;
  return modelConfig({
    ...config,
    variant,
    fusionLayers: variant === 'paper' ? 1 : 0,
    imageSize: [2 * config.patchSize, 2 * config.patchSize],
    vocabularySize: 36, // as many as the toy tokenizer has
    dim,
    heads: 2,
    ffnDim: Math.round((config.ffnDim / config.dim) * dim),
    layers: Math.min(config.layers, 2),
    maxTextPositions: 12,
    normalizeOutput,
  });
}

/** Numbers for every parameter of the backbone and a head, none of them 0 or 1. */
export function randomParameters(
  config: ModelConfig,
  headSpecs: ParameterSpecs,
): Record<string, Tensor> {
  const specs = { ...backboneSpecs(config), ...headSpecs };
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, init }]) => {
      const centre = init.kind === 'ones' ? 1 : 0;
      return [name, normals([...shape], name, 0.4, centre)];
    }),
  );
}

export function normals(shape: number[], purpose: string, std = 1, mean = 0): Tensor {
  const random = draw(1, purpose);
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(
    Array.from({ length: size }, () => mean + std * random.normal()),
    shape,
    'float32',
  );
}

export function pixelsOf({ imageSize }: ModelConfig, batch: number, purpose = 'pixels'): Tensor4D {
  return normals([batch, 3, ...imageSize], purpose) as Tensor4D;
}

/** Ids that begin with `<s>` (0). */
export function textOf({ vocabularySize }: ModelConfig, batch: number, length: number): Tensor2D {
  const random = draw(1, 'text');
  const ids = Array.from({ length: batch * length }, (_, i) =>
    i % length === 0 ? 0 : random.integer(vocabularySize),
  );
  return tensor(ids, [batch, length], 'int32') as Tensor2D;
}
