import type { HostTensor } from '@imglish/core';
import { patchify, type VqKdConfig, vqKdConfig, vqKdPixels } from '@imglish/tokenizers';
import type { FixtureSet, FixtureTensor } from '../fixture-set.js';

export const WEIGHTS = 'weights/vqkd.safetensors';

/** Settings as the README of a VQ-KD set has them. */
export interface VqKdSettings {
  img_size: number;
  patch_size: number;
  dim: number;
  heads: number;
  enc_depth: number;
  dec_depth: number;
  n_code: number;
  code_dim: number;
  teacher_dim: number;
  decay: number;
}

export async function settingsOf(set: FixtureSet): Promise<VqKdSettings> {
  return (await set.json<{ config: VqKdSettings }>('README.json')).config;
}

export function configOf(settings: VqKdSettings): VqKdConfig {
  return vqKdConfig({
    imageSize: settings.img_size,
    patchSize: settings.patch_size,
    dim: settings.dim,
    heads: settings.heads,
    encoderLayers: settings.enc_depth,
    decoderLayers: settings.dec_depth,
    codes: settings.n_code,
    codeDim: settings.code_dim,
    teacherDim: settings.teacher_dim,
  });
}

/** Images `[B, 3, S, S]` in the reference's range as patches `[B, N, 3 p p]` of −1 … 1. */
export function patchesOf({ values, shape }: FixtureTensor, patchSize: number): HostTensor {
  const [batch, , height, width] = shape as [number, number, number, number];
  return cut(vqKdPixels(values), [batch, height, width], patchSize);
}

/** Pixels `[B, 3, S, S]` as patches, as they are. */
export function cut(
  pixels: Float32Array,
  [batch, height, width]: [number, number, number],
  patchSize: number,
): HostTensor {
  const data = new Float32Array(pixels.length);
  const size = 3 * height * width;
  for (let at = 0; at < pixels.length; at += size) {
    const image = { height, width, data: pixels.subarray(at, at + size) };
    data.set(patchify(image, patchSize).data, at);
  }
  const patches = (height / patchSize) * (width / patchSize);
  return { dtype: 'float32', shape: [batch, patches, 3 * patchSize * patchSize], data };
}

/** `[B, C, G, G]` as vectors `[B G G, C]`, row by row. */
export function vectorsOf({ values, shape }: FixtureTensor): HostTensor {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const plane = height * width;
  const data = new Float32Array(values.length);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++) {
        data[(b * plane + i) * channels + c] = values[(b * channels + c) * plane + i]!;
      }
    }
  }
  return { dtype: 'float32', shape: [batch * plane, channels], data };
}

/** Values of any shape as those of another of the same size. */
export function shaped(
  { data }: Pick<HostTensor, 'data'>,
  shape: readonly number[],
): { shape: readonly number[]; values: ArrayLike<number> } {
  return { shape, values: data };
}
