import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bytesSource,
  DataError,
  type HostTensor,
  type ModelConfig,
  modelConfig,
  openSafetensors,
  type StoredTensor,
} from '@imglish/core';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';

/** A tensor of a fixture file, on the host. */
export interface FixtureTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Floats as they are, integers and booleans as floats too. */
  readonly values: Float32Array;
}

export type FixtureFile = Readonly<Record<string, FixtureTensor>>;

/** What the fixtures are of: BEiT-3 itself, or the visual tokenizer. */
export type FixtureKind = 'beit-3' | 'vq-kd';

interface SetDescription {
  set: string;
  config: {
    img_size: number;
    patch_size: number;
    vocab_size: number;
    dim: number;
    heads: number;
    ffn: number;
    layers: number;
    max_source_positions: number;
  };
}

interface Manifest {
  files: { path: string; bytes: number; sha256: string }[];
}

/** A directory of fixtures; every size comes from its README.json and its files. */
export interface FixtureSet {
  readonly description: SetDescription;
  readonly files: Manifest['files'];
  readonly kind: FixtureKind;
  /** Whether the manifest lists a file. */
  has(path: string): boolean;
  bytes(path: string): Promise<Uint8Array>;
  json<T>(path: string): Promise<T>;
  tensors(path: string): Promise<FixtureFile>;
  /** The backbone's configuration, with or without the norm after the last layer. */
  config(changes?: Partial<ModelConfig>): ModelConfig;
}

export async function openFixtureSet(directory: string): Promise<FixtureSet> {
  const bytes = async (path: string): Promise<Uint8Array> => {
    try {
      return await readFile(join(directory, path));
    } catch (cause) {
      throw new DataError({
        code: 'data/fixture-missing',
        where: 'openFixtureSet',
        expected: `a readable file ${path} in ${directory}`,
        got: String(cause),
        fix: 'Give the directory that holds README.json and manifest.json.',
        cause,
      });
    }
  };
  const json = async <T>(path: string): Promise<T> => {
    const text = new TextDecoder().decode(await bytes(path));
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new DataError({
        code: 'data/fixture-json',
        where: 'openFixtureSet',
        expected: `JSON in ${path}`,
        got: String(cause),
        fix: 'Make the fixtures again; NaN and Infinity are no JSON.',
        cause,
      });
    }
  };
  const description = await json<SetDescription>('README.json');
  const manifest = await json<Manifest>('manifest.json');
  const { config } = description;
  return {
    description,
    files: manifest.files,
    kind: 'n_code' in config ? 'vq-kd' : 'beit-3',
    has: (path) => manifest.files.some((file) => file.path === path),
    bytes,
    json,
    async tensors(path) {
      const file = await openSafetensors(bytesSource(await bytes(path), path));
      const entries = [...file.tensors].map(async ([name, stored]) => [name, await load(stored)]);
      return Object.fromEntries(await Promise.all(entries)) as FixtureFile;
    },
    config: (changes = {}) =>
      modelConfig({
        imageSize: [config.img_size, config.img_size],
        patchSize: config.patch_size,
        vocabularySize: config.vocab_size,
        dim: config.dim,
        heads: config.heads,
        ffnDim: config.ffn,
        layers: config.layers,
        maxTextPositions: config.max_source_positions,
        ...changes,
      }),
  };
}

async function load(stored: StoredTensor): Promise<FixtureTensor> {
  const isFloat = /^(?:F|BF)/.test(stored.dtype);
  const values = isFloat ? await stored.readFloat32() : Float32Array.from(await stored.readInt32());
  return { dtype: stored.dtype, shape: stored.shape, values };
}

/** A fixture's tensor as an input of a function. */
export function floats({ values, shape }: FixtureTensor): HostTensor {
  return { dtype: 'float32', shape, data: values };
}

export function integers({ values, shape }: FixtureTensor): HostTensor {
  return { dtype: 'int32', shape, data: Int32Array.from(values) };
}

/** All tensors of a weights file as parameters on the current backend; the caller owns them. */
export function parametersOf(file: FixtureFile): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(file).map(([name, { values, shape }]) => [name, tensor(values, [...shape])]),
  );
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
