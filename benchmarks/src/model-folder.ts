import { join } from 'node:path';
import {
  backboneSpecs,
  draw,
  type ModelConfig,
  openSafetensors,
  type ParameterSpec,
  type ParameterSpecs,
  type TensorEntry,
  writeModelDirectory,
  writeSafetensors,
} from '@imglish/core';
import { fileDirectory, fileSink, fileSource } from '@imglish/core/node';

/** How many numbers are drawn: hundreds of millions would take minutes. */
const POOL = 2 ** 20;

/**
 * Writes a model with random parameters, the same every time. Norms and biases are not where training
 * begins (1 and 0), so that a side that forgot one would be seen.
 */
export async function writeRandomModel(
  folder: string,
  config: ModelConfig,
  specs: ParameterSpecs = backboneSpecs(config),
): Promise<void> {
  const random = draw(0, 'random model');
  const pool = Float32Array.from({ length: POOL }, () => random.normal());
  const tensors = Object.entries(specs).map(([name, spec]): TensorEntry => {
    const start = draw(0, `parameter ${name}`).integer(POOL);
    const size = spec.shape.reduce((product, n) => product * n, 1);
    const { mean, std } = distribution(spec);
    const read = async () =>
      cycled(
        pool.map((z) => mean + std * z),
        start,
        size,
      );
    return { name, dtype: 'F32', shape: spec.shape, read };
  });
  await writeModelDirectory(fileDirectory(folder), { config: { ...config }, tensors });
}

/** `size` values of a cycle, from `start` on. */
function cycled(cycle: Float32Array, start: number, size: number): Float32Array {
  const values = new Float32Array(size);
  for (let at = 0; at < size; ) {
    const from = (start + at) % cycle.length;
    const part = cycle.subarray(from, from + size - at);
    values.set(part, at);
    at += part.length;
  }
  return values;
}

function distribution({ init }: ParameterSpec): { mean: number; std: number } {
  switch (init.kind) {
    case 'normal':
    case 'truncatedNormal':
      return { mean: 0, std: init.std };
    case 'uniform':
      return { mean: 0, std: init.limit / Math.sqrt(3) };
    case 'ones':
      return { mean: 1, std: 0.1 };
    case 'zeros':
      return { mean: 0, std: 0.02 };
    case 'constant':
      return { mean: init.value, std: 0.02 };
  }
}

export async function writeTensors(
  folder: string,
  name: string,
  tensors: readonly TensorEntry[],
): Promise<void> {
  await writeSafetensors(await fileSink(join(folder, name)), tensors);
}

/** One tensor of a safetensors file. */
export async function readTensor(path: string, name: string): Promise<Float32Array> {
  const source = await fileSource(path);
  try {
    return await (await openSafetensors(source)).tensors.get(name)!.readFloat32();
  } finally {
    await source.close?.();
  }
}
