import {
  type Backend,
  bytesSink,
  type Directory,
  nearestName,
  openSafetensors,
  type ReadableDirectory,
  readJsonObject,
  TokenizerError,
  tensorEntry,
  writeSafetensors,
} from '@imglish/core';
import { KMeansTokenizer } from './kmeans-tokenizer.js';
import type { HostTensor, VisualTokenizer } from './visual-tokenizer.js';
import { VqKdTokenizer } from './vq-kd/vq-kd-tokenizer.js';

type MakeVisualTokenizer = (
  config: unknown,
  tensors: Readonly<Record<string, HostTensor>>,
  backend: Pick<Backend, 'compiler'>,
) => VisualTokenizer;

/** How each kind is made of its files, by the `type` in its configuration; a new kind is a line. */
const KINDS: Readonly<Record<string, MakeVisualTokenizer>> = {
  kmeans: KMeansTokenizer.fromTensors,
  'vq-kd': VqKdTokenizer.fromTensors,
};

const CONFIG = 'visual_tokenizer.json';
const TENSORS = 'visual_tokenizer.safetensors';

/**
 * The visual tokenizer of any kind that `toJSON` and `toTensors` were taken from. One that computes on
 * a backend does so on the given one; without, on the current tfjs backend. Throws
 * `tokenizer/visual-type` for a kind that is not known, and what its `fromTensors` throws.
 */
export function visualTokenizer(
  config: unknown,
  tensors: Readonly<Record<string, HostTensor>>,
  backend: Pick<Backend, 'compiler'> = {},
): VisualTokenizer {
  const type = String((config as { type?: unknown }).type);
  const make = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (make) return make(config, tensors, backend);
  const names = Object.keys(KINDS);
  throw new TokenizerError({
    code: 'tokenizer/visual-type',
    where: 'visualTokenizer',
    expected: `one of the types ${names.join(', ')}`,
    got: `${type.slice(0, 40)} (nearest: ${nearestName(type, names)})`,
  });
}

/** The files of a visual tokenizer by name: `visual_tokenizer.safetensors`, then `….json`. */
export async function visualTokenizerFiles(
  tokenizer: VisualTokenizer,
): Promise<Record<string, Uint8Array>> {
  const tensors = bytesSink(TENSORS);
  await writeSafetensors(
    tensors,
    Object.entries(tokenizer.toTensors()).map(([name, { shape, data }]) =>
      tensorEntry(name, 'F32', shape, data as Float32Array<ArrayBuffer>),
    ),
  );
  const json = new TextEncoder().encode(`${JSON.stringify(tokenizer.toJSON(), null, 2)}\n`);
  return { [TENSORS]: tensors.bytes(), [CONFIG]: json };
}

/** Writes a visual tokenizer into a directory; its configuration appears last. */
export async function saveVisualTokenizer(
  directory: Directory,
  tokenizer: VisualTokenizer,
): Promise<void> {
  for (const [name, bytes] of Object.entries(await visualTokenizerFiles(tokenizer))) {
    const sink = await directory.create(name);
    try {
      await sink.write(bytes);
      // New weights never stand beside the configuration of others.
      if (name === TENSORS) await directory.remove(CONFIG);
      await sink.close();
    } catch (error) {
      await sink.abort();
      throw error;
    }
  }
}

/**
 * Opens what `saveVisualTokenizer` wrote; a directory of a pretrained model has the same files. Throws
 * `io/not-found`, `CheckpointError` for damaged files, and what `visualTokenizer` throws.
 */
export async function loadVisualTokenizer(
  directory: ReadableDirectory,
  backend: Pick<Backend, 'compiler'> = {},
): Promise<VisualTokenizer> {
  const source = await directory.open(CONFIG);
  const config = await readJsonObject(source).finally(() => source.close?.());
  const file = await openSafetensors(await directory.open(TENSORS));
  try {
    const tensors: Record<string, HostTensor> = {};
    for (const [name, stored] of file.tensors) {
      tensors[name] = { shape: stored.shape, data: await stored.readFloat32() };
    }
    return visualTokenizer(config, tensors, backend);
  } finally {
    await file.close();
  }
}
