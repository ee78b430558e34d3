import type { ByteSource } from '../bytes/bytes.js';
import { CheckpointError, ConfigError, ImglishError } from '../errors/errors.js';
import type { Directory, ReadableDirectory } from './directory.js';
import { readJsonObject } from './json.js';
import {
  DEFAULT_SHARD_BYTES,
  INDEX_NAME,
  openShards,
  openTensors,
  type StagedFile,
  stageWeights,
  WEIGHTS_NAME,
} from './shards.js';
import type { TensorEntry, TensorFile } from './tensor-file.js';

/** A plain JSON object; what its keys mean is checked by whoever knows the configuration. */
export type JsonObject = Record<string, unknown>;

/** The files of a model besides its tensors. */
export interface ModelFiles {
  /** `config.json`. */
  readonly config: Readonly<JsonObject>;
  /** `preprocessor_config.json`. */
  readonly preprocessor?: Readonly<JsonObject> | undefined;
  /** `tokenizer.spm`, a SentencePiece model. */
  readonly tokenizer?: Uint8Array | undefined;
  /** `README.md`, the model card. */
  readonly card?: string | undefined;
}

/** A model directory, opened: small files are read, tensors are read when asked for. */
export interface ModelDirectory extends ModelFiles {
  readonly tensors: TensorFile;
  close(): Promise<void>;
}

export interface ModelToWrite extends ModelFiles {
  readonly tensors: Iterable<TensorEntry>;
  /** Free text kept in the weights (`__metadata__`); `{format: 'pt'}` if not given. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Bytes of tensors beyond which weights are cut into shards; 5 GB if not given. */
  readonly shardBytes?: number;
}

const CONFIG_NAME = 'config.json';
const PREPROCESSOR_NAME = 'preprocessor_config.json';
const TOKENIZER_NAME = 'tokenizer.spm';
const CARD_NAME = 'README.md';

/**
 * Opens a model directory: `config.json`, `model.safetensors` (or shards and their index), and
 * where they exist `preprocessor_config.json`, `tokenizer.spm` and `README.md`.
 *
 * Throws `checkpoint/no-model` where `config.json` or the weights are missing, and what the readers
 * of the files throw.
 */
export async function readModelDirectory(directory: ReadableDirectory): Promise<ModelDirectory> {
  const config = await readIfThere(directory, CONFIG_NAME, readJsonObject);
  if (!config) return noModel(directory, CONFIG_NAME);
  const preprocessor = await readIfThere(directory, PREPROCESSOR_NAME, readJsonObject);
  const tokenizer = await readIfThere(directory, TOKENIZER_NAME, readAll);
  const card = await readIfThere(directory, CARD_NAME, readAll);
  const tensors =
    (await ifThere(() => openTensors(directory, WEIGHTS_NAME))) ??
    (await ifThere(() => openShards(directory))) ??
    noModel(directory, `${WEIGHTS_NAME} or ${INDEX_NAME}`);
  return {
    config,
    preprocessor,
    tokenizer,
    card: card && new TextDecoder().decode(card),
    tensors,
    close: () => tensors.close(),
  };
}

/**
 * Writes a model directory, tensor by tensor.
 *
 * All files are first written in full beside their places; an error or interruption until then
 * leaves the directory as it was. If only one file is another than before (new weights of the same
 * model), it is replaced at once. Otherwise `config.json` is removed, files of an earlier model that
 * are not part of this one go (but never `README.md`), the new ones appear, and `config.json`
 * appears last: a directory that has one is complete.
 */
export async function writeModelDirectory(
  directory: Directory,
  model: ModelToWrite,
): Promise<void> {
  const shardBytes = model.shardBytes ?? DEFAULT_SHARD_BYTES;
  if (!(shardBytes > 0)) {
    throw new ConfigError({
      code: 'config/shard-bytes',
      where: 'writeModelDirectory',
      expected: 'a positive number of bytes',
      got: `${shardBytes}`,
    });
  }
  const staged: StagedFile[] = [];
  const names = new Set<string>();
  const isThere = async (name: string, bytes: Uint8Array): Promise<boolean> => {
    const existing = await readIfThere(directory, name, readAll);
    return existing !== undefined && equalBytes(existing, bytes);
  };
  const stage = async (name: string, bytes: Uint8Array): Promise<void> => {
    const sink = await directory.create(name);
    staged.push({ name, sink });
    await sink.write(bytes);
  };
  const stageIfNew = async (name: string, bytes: Uint8Array): Promise<void> => {
    names.add(name);
    if (!(await isThere(name, bytes))) await stage(name, bytes);
  };
  const text = new TextEncoder();
  const json = (value: JsonObject) => text.encode(`${JSON.stringify(value, null, 2)}\n`);
  try {
    const metadata = model.metadata ?? { format: 'pt' };
    await stageWeights(directory, model.tensors, metadata, shardBytes, staged);
    if (model.tokenizer) await stageIfNew(TOKENIZER_NAME, model.tokenizer);
    if (model.preprocessor) await stageIfNew(PREPROCESSOR_NAME, json(model.preprocessor));
    if (model.card !== undefined) await stageIfNew(CARD_NAME, text.encode(model.card));
    for (const { name, sink } of staged) {
      names.add(name);
      await sink.flush?.();
    }
    const stale = (await directory.list()).filter((name) => isModelFile(name) && !names.has(name));
    const config = json(model.config);
    const [weights, ...others] = staged;
    if (weights && others.length + stale.length === 0 && (await isThere(CONFIG_NAME, config))) {
      await weights.sink.close();
      return;
    }
    await stage(CONFIG_NAME, config);
    await directory.remove(CONFIG_NAME);
    for (const name of stale) await directory.remove(name);
    for (const { sink } of staged) await sink.close(); // `config.json` is the last
  } catch (error) {
    for (const { sink } of staged) await sink.abort();
    throw error;
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}

function isModelFile(name: string): boolean {
  const own = [WEIGHTS_NAME, INDEX_NAME, TOKENIZER_NAME, PREPROCESSOR_NAME];
  return own.includes(name) || /^model-\d{5}-of-\d{5}\.safetensors$/.test(name);
}

async function readIfThere<T>(
  directory: ReadableDirectory,
  name: string,
  read: (source: ByteSource) => Promise<T>,
): Promise<T | undefined> {
  const source = await ifThere(() => directory.open(name));
  if (!source) return undefined;
  try {
    return await read(source);
  } finally {
    await source.close?.();
  }
}

async function ifThere<T>(open: () => Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (ImglishError.isInstance(error) && error.code === 'io/not-found') return undefined;
    throw error;
  }
}

async function readAll(source: ByteSource): Promise<Uint8Array> {
  return (await source.read(0, source.size)).slice();
}

function noModel(directory: ReadableDirectory, missing: string): never {
  throw new CheckpointError({
    code: 'checkpoint/no-model',
    where: 'readModelDirectory',
    expected: `${missing} in ${directory.name}`,
    got: 'no such file',
    fix: 'It is no model directory, or writing it was interrupted.',
  });
}
