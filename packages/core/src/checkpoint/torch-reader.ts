import type { ByteSource } from '../bytes/bytes.js';
import { elementCount, ITEM_BYTES } from './dtype.js';
import { type PickleContext, PickleTruncated, type Unpickled, unpickle } from './pickle.js';
import { quote, refuse } from './refuse.js';
import { gather, isContiguous } from './strides.js';
import { type StoredTensor, storedTensor, type TensorFile } from './tensor-file.js';
import { type TorchStorage, TorchTensor, torchContext } from './torch-globals.js';
import { readZipDirectory, requireStored, type ZipEntry, zipDataOffset } from './zip-reader.js';

/** A file of `torch.save`, opened. `tensors` is its state dict. */
export interface TorchFile extends TensorFile {
  /**
   * Everything that was saved, as inert data: dicts are `Map`s, lists and tuples arrays, tensors
   * `TorchTensor`s, objects of known classes `InertObject`s.
   */
  readonly root: unknown;
}

/** Longest pickle that is read; that of a model's state dict takes about 100 bytes a tensor. */
const MAX_PICKLE_BYTES = 32 * 2 ** 20;
const FIRST_WINDOW = 2 ** 16;
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
const WHERE = 'openTorch';

/**
 * Opens a `.pth` of PyTorch, the zip format (1.6 and later) or the legacy one before it.
 *
 * The pickle inside is interpreted as data by a closed table of names and runs nothing; tensors are
 * read when asked for. The state dict is what stands under `model`, else under `module`, else the
 * saved object itself (reference: utils.py:521-540).
 *
 * Throws a `CheckpointError`: `checkpoint/pickle-global` for anything else than tensors and plain
 * data, `checkpoint/no-state-dict`, and for damage `checkpoint/zip` or `checkpoint/pickle…`.
 */
export async function openTorch(source: ByteSource): Promise<TorchFile> {
  const start = await source.read(0, Math.min(2, source.size));
  const zipped = start[0] === 0x50 && start[1] === 0x4b;
  const { root, locate } = await (zipped ? openZip(source) : openLegacy(source));
  return {
    name: source.name,
    root,
    tensors: stateDict(root, source, locate),
    metadata: {},
    close: async () => source.close?.(),
  };
}

/** Where a storage begins in the file. */
type Locate = (storage: TorchStorage) => Promise<number>;

interface Contents {
  root: unknown;
  locate: Locate;
}

async function openZip(source: ByteSource): Promise<Contents> {
  const entries = await readZipDirectory(source);
  const pickles = [...entries.keys()].filter((name) => /^[^/]*\/data\.pkl$/.test(name));
  const [pickleName] = pickles;
  if (pickleName === undefined || pickles.length > 1) {
    return refuse(
      'format',
      WHERE,
      'one data.pkl in a folder',
      `${pickles.length} in ${source.name}`,
    );
  }
  const folder = pickleName.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`)) {
    refuse(
      'format',
      WHERE,
      'a file of torch.save',
      `the TorchScript program ${source.name}`,
      'Save its state dict: torch.save(module.state_dict(), path).',
    );
  }
  requireStored(source, entries.values());
  await checkByteOrder(source, entries.get(`${folder}byteorder`));
  const pickle = entries.get(pickleName)!;
  const storages = new Map<string, TorchStorage>();
  const begin = await zipDataOffset(source, pickle);
  const { value } = await readPickle(source, begin, begin + pickle.size, torchContext(storages));
  const entryOf = (key: string) => entries.get(`${folder}data/${key}`);
  for (const { key, size } of storages.values()) {
    const entry = entryOf(key);
    if (entry?.size === size) continue;
    refuse(
      'storage',
      WHERE,
      `${size} bytes of storage ${quote(key)}`,
      entry ? `${entry.size}` : 'none',
      'The file is damaged.',
    );
  }
  return { root: value, locate: (storage) => zipDataOffset(source, entryOf(storage.key)!) };
}

async function checkByteOrder(source: ByteSource, entry: ZipEntry | undefined): Promise<void> {
  if (!entry) return;
  const bytes = await source.read(await zipDataOffset(source, entry), Math.min(entry.size, 16));
  const order = new TextDecoder().decode(bytes);
  if (order !== 'little') refuse('byte-order', WHERE, 'little-endian storages', quote(order));
}

/** Legacy: pickles of magic number, protocol, system, the object and storage keys; the storages. */
async function openLegacy(source: ByteSource): Promise<Contents> {
  let at = 0;
  const storages = new Map<string, TorchStorage>();
  const context = torchContext(storages);
  const next = async (): Promise<unknown> => {
    const { value, length } = await readPickle(source, at, source.size, context);
    at += length;
    return value;
  };
  if ((await next()) !== LEGACY_MAGIC || (await next()) !== LEGACY_PROTOCOL) {
    refuse('format', WHERE, 'a file of torch.save', `another file: ${source.name}`);
  }
  const system = await next();
  if (!(system instanceof Map) || system.get('little_endian') !== true) {
    refuse('byte-order', WHERE, 'little-endian storages', 'others');
  }
  const root = await next();
  const keys = await next();
  if (!Array.isArray(keys)) return refuse('pickle', WHERE, 'a list of storages', 'something else');
  const offsets = new Map<string, number>();
  for (const key of keys) {
    const storage = storages.get(key);
    if (!storage?.dtype || offsets.has(key)) {
      return refuse('storage', WHERE, 'the storages of the tensors', `key ${quote(String(key))}`);
    }
    const prefix = await source.read(at, 8);
    const count = new DataView(prefix.buffer, prefix.byteOffset).getBigInt64(0, true);
    const size = Number(count) * ITEM_BYTES[storage.dtype];
    at += 8;
    if (size !== storage.size || at + size > source.size) {
      refuse(
        'storage',
        WHERE,
        `${storage.size} bytes of storage ${quote(key)}`,
        `${size} at ${at}`,
      );
    }
    offsets.set(key, at);
    at += size;
  }
  for (const key of storages.keys()) {
    if (!offsets.has(key)) refuse('storage', WHERE, `a storage ${quote(key)}`, 'none');
  }
  return { root, locate: async (storage) => offsets.get(storage.key)! };
}

/** Reads the pickle at `begin`, whose length is unknown, through a window that grows. */
async function readPickle(
  source: ByteSource,
  begin: number,
  end: number,
  context: PickleContext,
): Promise<Unpickled> {
  for (let window = FIRST_WINDOW; ; window *= 8) {
    const bytes = await source.read(begin, Math.min(window, end - begin, MAX_PICKLE_BYTES));
    try {
      return unpickle(bytes, context);
    } catch (error) {
      if (!(error instanceof PickleTruncated) || bytes.byteLength === end - begin) throw error;
      if (bytes.byteLength === MAX_PICKLE_BYTES) {
        refuse('pickle-too-large', WHERE, `a pickle of ${MAX_PICKLE_BYTES} bytes`, 'a longer one');
      }
    }
  }
}

function stateDict(root: unknown, source: ByteSource, locate: Locate): Map<string, StoredTensor> {
  const dict = unwrap(root);
  const found = new Map<string, StoredTensor>();
  const others: string[] = [];
  for (const [name, value] of dict ?? []) {
    if (typeof name === 'string' && value instanceof TorchTensor) {
      found.set(name, tensorIn(source, name, value, locate));
    } else {
      others.push(String(typeof name === 'object' ? typeof name : name));
    }
  }
  if (dict && others.length === 0) return found;
  return refuse(
    'no-state-dict',
    WHERE,
    "tensors by name under 'model', under 'module' or at the top",
    dict
      ? `other values: ${quote(others.slice(0, 20).join(', '))} in ${source.name}`
      : `no dict in ${source.name}`,
    "Save {'model': model.state_dict()}.",
  );
}

function unwrap(root: unknown): Map<unknown, unknown> | undefined {
  if (!(root instanceof Map)) return undefined;
  for (const key of ['model', 'module']) {
    const inner = root.get(key);
    if (inner instanceof Map) return inner;
  }
  return root;
}

function tensorIn(
  source: ByteSource,
  name: string,
  tensor: TorchTensor,
  locate: Locate,
): StoredTensor {
  const { storage, dtype, offset, shape, strides } = tensor;
  const itemBytes = ITEM_BYTES[dtype];
  return storedTensor(name, dtype, shape, async () => {
    const count = elementCount(shape);
    if (count === 0) return new Uint8Array(0);
    const last = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, 0);
    const begin = (await locate(storage)) + offset * itemBytes;
    const bytes = await source.read(begin, (last + 1) * itemBytes);
    return isContiguous(shape, strides) ? bytes : gather(bytes, itemBytes, shape, strides);
  });
}
