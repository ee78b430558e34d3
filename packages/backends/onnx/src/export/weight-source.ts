import {
  BackendError,
  type ByteSource,
  decode,
  elementCount,
  ITEM_BYTES,
  type ParameterPlace,
  type ParameterSource,
  type Parameters,
  toFloat32,
} from '@imglish/core';
import { Tensor } from '@tensorflow/tfjs-core';

/** Values of a weight as float32, wherever they are. */
export interface WeightSource {
  readonly shape: readonly number[];
  /** Row-major, `count` values from `offset` on. */
  read(offset: number, count: number): Promise<Float32Array>;
}

/** Opens the file of a path or URL. */
export type OpenFile = (file: string) => Promise<ByteSource>;

/** Where the weights of a model come from; files stay open until `close`. */
export interface Weights {
  readonly sources: Readonly<Record<string, WeightSource>>;
  close(): Promise<void>;
}

/** Tensors, or places in files and regions: nothing is read before it is asked for. */
export function weightSources(parameters: Parameters | ParameterSource, open: OpenFile): Weights {
  const files = new Map<string, Promise<ByteSource>>();
  const openOnce: OpenFile = (file) => {
    const opened = files.get(file) ?? open(file);
    files.set(file, opened);
    return opened;
  };
  // A backend may copy all of a tensor to give a piece of it: the one that is being read is kept.
  let latest: { tensor: Tensor; data: Promise<Float32Array> } | undefined;
  const dataOf = (tensor: Tensor) => {
    if (latest?.tensor !== tensor) latest = { tensor, data: tensor.data<'float32'>() };
    return latest.data;
  };
  const sources = Object.fromEntries(
    Object.entries(parameters).map(([name, given]: [string, Tensor | ParameterPlace]) => [
      name,
      given instanceof Tensor ? ofTensor(given, dataOf) : ofPlace(name, given, openOnce),
    ]),
  );
  return {
    sources,
    async close() {
      // One that could not be opened has said so to whoever read it.
      const opened = await Promise.allSettled(files.values());
      for (const file of opened) {
        if (file.status === 'fulfilled') await file.value.close?.();
      }
    },
  };
}

function ofTensor(tensor: Tensor, dataOf: (tensor: Tensor) => Promise<Float32Array>): WeightSource {
  return {
    shape: tensor.shape,
    read: async (offset, count) => (await dataOf(tensor)).subarray(offset, offset + count),
  };
}

/** As core calls the types of stored values. */
const DTYPES = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

function ofPlace(name: string, { shape, place }: ParameterPlace, open: OpenFile): WeightSource {
  if ('region' in place) {
    const { region, offset: start } = place;
    return { shape, read: (offset, count) => region.read(start + offset, count) };
  }
  const { file, offset: start, bytes, stored } = place;
  const dtype = DTYPES[stored];
  const size = ITEM_BYTES[dtype];
  const expected = size * elementCount(shape);
  if (bytes !== expected) {
    throw new BackendError({
      code: 'backend/parameter-place',
      where: 'exportOnnx',
      expected: `${expected} bytes for ${name} [${shape}] ${stored}`,
      got: `${bytes}`,
    });
  }
  return {
    shape,
    async read(offset, count) {
      const stored = await (await open(file)).read(start + size * offset, size * count);
      return toFloat32('exportOnnx', dtype, decode(dtype, stored));
    },
  };
}
