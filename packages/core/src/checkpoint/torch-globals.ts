import { type DType, elementCount, ITEM_BYTES } from './dtype.js';
import { InertObject, type PickleContext, PickleGlobal } from './pickle.js';
import { quote, refuse } from './refuse.js';
import { MAX_RANK } from './tensor-file.js';

/** A storage that a torch file holds; its bytes stay in the file. */
export class TorchStorage {
  constructor(
    readonly key: string,
    /** Bytes. */
    readonly size: number,
    /** Undefined for the untyped storages of newer dtypes. */
    readonly dtype: DType | undefined,
  ) {}
}

/** A view of a storage: element `(i, j, …)` lies at `offset + i·strides[0] + j·strides[1] + …`. */
export class TorchTensor {
  constructor(
    readonly storage: TorchStorage,
    readonly dtype: DType,
    /** In elements. */
    readonly offset: number,
    readonly shape: readonly number[],
    /** In elements. */
    readonly strides: readonly number[],
  ) {}
}

/** Storage classes of torch and the dtype of each. */
export const STORAGE_CLASSES: Readonly<Record<string, DType>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};

const TORCH_DTYPES: Readonly<Record<string, DType>> = {
  'torch.float64': 'F64',
  'torch.float32': 'F32',
  'torch.float16': 'F16',
  'torch.bfloat16': 'BF16',
  'torch.int64': 'I64',
  'torch.int32': 'I32',
  'torch.int16': 'I16',
  'torch.int8': 'I8',
  'torch.uint64': 'U64',
  'torch.uint32': 'U32',
  'torch.uint16': 'U16',
  'torch.uint8': 'U8',
  'torch.bool': 'BOOL',
};

/** Classes of training arguments and counters beside the weights: kept as data. */
const INERT_CLASSES = [
  'argparse.Namespace',
  'types.SimpleNamespace',
  'pathlib.Path',
  'pathlib.PosixPath',
  'pathlib.PurePosixPath',
  'pathlib.WindowsPath',
  'pathlib.PureWindowsPath',
  'torch.device',
  'numpy.dtype',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
  '_codecs.encode',
  'builtins.set',
  '__builtin__.set',
];

const UNTYPED_STORAGES = ['torch.UntypedStorage', 'torch.storage.UntypedStorage'];

/** Largest tensor that may repeat elements of a smaller storage (`expand`): 2²⁰ elements. */
const MAX_EXPANDED = 2 ** 20;

/**
 * The globals that torch's own files need, as data, and nothing else. Storages are handed out by
 * `storages`, one for each key, checked against what the file holds.
 */
export function torchContext(storages: Map<string, TorchStorage>): PickleContext {
  const globals = globalTable();
  return {
    global: (name) => globals.get(name),
    persistent(id: unknown): TorchStorage {
      const [kind, type, key, , count, view] = Array.isArray(id) ? id : [];
      const known = storages.get(key);
      const className = globalName(type) ?? '';
      const dtype = STORAGE_CLASSES[className];
      const untyped = UNTYPED_STORAGES.includes(className);
      if (kind !== 'storage' || typeof key !== 'string' || !isCount(count) || view) {
        return invalid('a persistent id that is no storage');
      }
      if (!dtype && !untyped) return invalid(`a storage of another class, key ${quote(key)}`);
      const size = count * (dtype ? ITEM_BYTES[dtype] : 1);
      if (known) {
        if (known.size !== size)
          invalid(`storage ${quote(key)} of ${known.size} and ${size} bytes`);
        return known;
      }
      const storage = new TorchStorage(key, size, dtype);
      storages.set(key, storage);
      return storage;
    },
  };
}

function globalTable(): Map<string, PickleGlobal> {
  const table = new Map<string, PickleGlobal>();
  const define = (name: string, call?: (args: readonly unknown[]) => unknown): void => {
    table.set(name, new PickleGlobal(name, call));
  };
  for (const name of Object.keys(STORAGE_CLASSES)) define(name);
  for (const name of Object.keys(TORCH_DTYPES)) define(name);
  for (const name of UNTYPED_STORAGES) define(name);
  for (const name of INERT_CLASSES) define(name, (args) => new InertObject(name, args));
  define('collections.OrderedDict', orderedDict);
  define('torch.Size', ([sizes]) => sizes);
  define('torch._utils._rebuild_tensor', ([storage, offset, shape, strides]) =>
    rebuildTensor(storage, undefined, offset, shape, strides),
  );
  define('torch._utils._rebuild_tensor_v2', ([storage, offset, shape, strides]) =>
    rebuildTensor(storage, undefined, offset, shape, strides),
  );
  define('torch._utils._rebuild_tensor_v3', ([storage, offset, shape, strides, , , dtype]) =>
    rebuildTensor(storage, globalName(dtype), offset, shape, strides),
  );
  define('torch._utils._rebuild_parameter', ([tensor]) =>
    tensor instanceof TorchTensor ? tensor : invalid('a parameter without a tensor'),
  );
  return table;
}

function orderedDict([pairs]: readonly unknown[]): Map<unknown, unknown> {
  const result = new Map<unknown, unknown>();
  if (pairs === undefined) return result;
  if (!Array.isArray(pairs)) return invalid('an OrderedDict of no pairs');
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) return invalid('an OrderedDict of no pairs');
    result.set(pair[0], pair[1]);
  }
  return result;
}

function rebuildTensor(
  source: unknown,
  dtypeName: string | undefined,
  offset: unknown,
  shape: unknown,
  strides: unknown,
): TorchTensor {
  if (!(source instanceof TorchStorage)) return invalid('a tensor without a storage');
  const dtype = dtypeName === undefined ? source.dtype : TORCH_DTYPES[dtypeName];
  if (!dtype) return invalid('a tensor without a dtype');
  if (!isCount(offset) || !isShape(shape) || !isShape(strides) || shape.length !== strides.length) {
    return invalid('a tensor without offset, sizes and strides');
  }
  const count = elementCount(shape);
  const last = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, offset);
  const held = Math.floor(source.size / ITEM_BYTES[dtype]);
  if (!Number.isSafeInteger(count) || (count > 0 && !(last < held))) {
    return invalid(
      `a tensor [${shape}] with strides [${strides}] at ${offset} in a storage of ${held} elements`,
    );
  }
  if (count > Math.max(held, MAX_EXPANDED)) {
    return invalid(`a tensor [${shape}] that repeats a storage of ${held} elements`);
  }
  // Copied: the pickle still holds the arrays that were checked.
  return new TorchTensor(source, dtype, offset, [...shape], [...strides]);
}

function globalName(value: unknown): string | undefined {
  return value instanceof PickleGlobal ? value.name : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount);
}

function invalid(got: string): never {
  return refuse('pickle', 'openTorch', 'a file of torch.save', got, 'The file is damaged.');
}
