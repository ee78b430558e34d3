import type { ByteSink } from '../bytes/bytes.js';
import { CheckpointError, ImglishError } from '../errors/errors.js';
import { type Directory, isFileName, type ReadableDirectory } from './directory.js';
import { readJsonObject } from './json.js';
import { quote, refuse } from './refuse.js';
import { openSafetensors, streamSafetensors } from './safetensors.js';
import {
  MAX_TENSORS,
  type StoredTensor,
  type TensorEntry,
  type TensorFile,
  tensorBytes,
} from './tensor-file.js';

export const WEIGHTS_NAME = 'model.safetensors';
export const INDEX_NAME = 'model.safetensors.index.json';

/** Bytes of tensors in one file unless asked otherwise. */
export const DEFAULT_SHARD_BYTES = 5e9;

/**
 * Opens the tensors of an index, `model.safetensors.index.json` unless another is named, which says
 * in which file of the directory each one is. The index and the files must agree (`checkpoint/index`).
 */
export async function openShards(
  directory: ReadableDirectory,
  index: string = INDEX_NAME,
): Promise<TensorFile> {
  const source = await directory.open(index);
  let files: Map<string, Set<string>>;
  try {
    files = namesByFile((await readJsonObject(source)).weight_map);
  } finally {
    await source.close?.();
  }
  const shards: TensorFile[] = [];
  const close = async (): Promise<void> => {
    for (const shard of shards) await shard.close();
  };
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const [file, names] of files) {
      const shard = await openShard(directory, file, index);
      shards.push(shard);
      const lost = [...names].filter((name) => !shard.tensors.has(name));
      const extra = [...shard.tensors.keys()].filter((name) => !names.has(name));
      if (lost.length + extra.length > 0) {
        refuse(
          'index',
          'openShards',
          `the tensors of ${file} as ${index} lists them`,
          `missing: ${quote(lost.join(', '))}, not listed: ${quote(extra.join(', '))}`,
        );
      }
      for (const [name, tensor] of shard.tensors) tensors.set(name, tensor);
    }
    return { name: source.name, tensors, metadata: shards[0]?.metadata ?? {}, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openShard(
  directory: ReadableDirectory,
  file: string,
  index: string,
): Promise<TensorFile> {
  try {
    return await openTensors(directory, file);
  } catch (cause) {
    if (!ImglishError.isInstance(cause) || cause.code !== 'io/not-found') throw cause;
    throw new CheckpointError({
      code: 'checkpoint/index',
      where: 'openShards',
      expected: `the file ${file} that ${index} names in ${directory.name}`,
      got: 'none',
      cause,
    });
  }
}

/** Opens a safetensors file of a directory; nothing stays open if it is refused. */
export async function openTensors(directory: ReadableDirectory, file: string): Promise<TensorFile> {
  const source = await directory.open(file);
  try {
    return await openSafetensors(source);
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

function namesByFile(weightMap: unknown): Map<string, Set<string>> {
  if (typeof weightMap !== 'object' || weightMap === null || Array.isArray(weightMap)) {
    return refuse('index', 'openShards', 'a weight_map of tensor names to files', 'none');
  }
  const entries = Object.entries(weightMap);
  const files = new Map<string, Set<string>>();
  if (entries.length > MAX_TENSORS) {
    refuse('index', 'openShards', `at most ${MAX_TENSORS} tensors`, `${entries.length}`);
  }
  for (const [tensor, file] of entries) {
    // An index could otherwise point at any file of the machine.
    if (typeof file !== 'string' || !isFileName(file)) {
      return refuse(
        'index',
        'openShards',
        `a file of the directory for ${quote(tensor)}`,
        typeof file === 'string' ? quote(file) : typeof file,
      );
    }
    const names = files.get(file) ?? new Set();
    files.set(file, names.add(tensor));
  }
  return files;
}

/** A file that is written in full but not yet visible. */
export interface StagedFile {
  readonly name: string;
  readonly sink: ByteSink;
}

/**
 * Writes tensors as `model.safetensors`, or where they take more than `shardBytes` as numbered
 * shards with an index, into sinks that stay open. Sinks are pushed to `staged` as they are made,
 * so that the caller can abort all of them.
 */
export async function stageWeights(
  directory: Directory,
  tensors: Iterable<TensorEntry>,
  metadata: Readonly<Record<string, string>>,
  shardBytes: number,
  staged: StagedFile[],
): Promise<void> {
  const { files, index } = planShards('model', tensors, shardBytes);
  for (const { name, tensors } of files) {
    const sink = await directory.create(name);
    staged.push({ name, sink });
    await streamSafetensors(sink, tensors, metadata);
  }
  if (!index) return;
  const sink = await directory.create(index.name);
  staged.push({ name: index.name, sink });
  await sink.write(new TextEncoder().encode(index.text));
}

/** Which tensors go into which file. */
export interface ShardPlan {
  readonly files: readonly { readonly name: string; readonly tensors: readonly TensorEntry[] }[];
  /** What says so, where there are several files. */
  readonly index: { readonly name: string; readonly text: string } | undefined;
}

/**
 * The files of tensors: `STEM.safetensors`, or where they take more than `shardBytes` numbered shards
 * of them, in order, with an index that `openShards` reads. A tensor that is larger stands alone.
 *
 * @throws CheckpointError `checkpoint/name` for a name that comes twice.
 */
export function planShards(
  stem: string,
  tensors: Iterable<TensorEntry>,
  shardBytes: number,
): ShardPlan {
  const shards = cut([...tensors], shardBytes);
  const weights = `${stem}.safetensors`;
  const files = shards.map((tensors, i) => {
    return { name: shards.length === 1 ? weights : shardName(stem, i + 1, shards.length), tensors };
  });
  const fileOf = new Map<string, string>();
  let total = 0;
  for (const { name, tensors } of files) {
    for (const tensor of tensors) {
      if (fileOf.has(tensor.name)) {
        refuse('name', 'planShards', 'distinct tensor names', quote(tensor.name));
      }
      fileOf.set(tensor.name, name);
      total += tensorBytes('planShards', tensor);
    }
  }
  if (files.length === 1) return { files, index: undefined };
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(fileOf) };
  return {
    files,
    index: { name: `${weights}.index.json`, text: `${JSON.stringify(index, null, 2)}\n` },
  };
}

/** Cuts the list, in order, into runs of at most `shardBytes`; a larger tensor stands alone. */
function cut(tensors: readonly TensorEntry[], shardBytes: number): TensorEntry[][] {
  const shards: TensorEntry[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const size = tensorBytes('planShards', tensor);
    if (bytes > 0 && bytes + size > shardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += size;
  }
  return shards;
}

function shardName(stem: string, index: number, count: number): string {
  const digits = (n: number) => String(n).padStart(5, '0');
  return `${stem}-${digits(index)}-of-${digits(count)}.safetensors`;
}
