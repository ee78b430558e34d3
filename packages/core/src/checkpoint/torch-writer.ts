import type { ByteSink } from '../bytes/bytes.js';
import { bytesOf, type DType, elementCount } from './dtype.js';
import { quote, refuse } from './refuse.js';
import { checkData, type TensorEntry, tensorBytes } from './tensor-file.js';
import { STORAGE_CLASSES } from './torch-globals.js';
import { zipWriter } from './zip-writer.js';

/**
 * Writes `{'model': OrderedDict(name → tensor)}` in the zip format of `torch.save`, one tensor at a
 * time, and closes the sink; if anything fails the sink is aborted. Every tensor gets a storage of
 * its own. Throws for U16, U32 and U64, which have no storage class in PyTorch.
 */
export async function writeTorch(sink: ByteSink, tensors: Iterable<TensorEntry>): Promise<void> {
  const where = 'writeTorch';
  try {
    const list = [...tensors];
    const pickle = pickleStateDict(where, list);
    const zip = zipWriter(sink);
    await zip.add('archive/data.pkl', pickle);
    await zip.add('archive/byteorder', new TextEncoder().encode('little'));
    for (const [key, tensor] of list.entries()) {
      const data = await tensor.read();
      checkData(where, tensor, data);
      await zip.add(`archive/data/${key}`, bytesOf(data));
    }
    await zip.add('archive/version', new TextEncoder().encode('3\n'));
    await zip.finish();
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

function pickleStateDict(where: string, tensors: readonly TensorEntry[]): Uint8Array {
  const p = pickler();
  const names = new Set<string>();
  p.bytes(0x80, 2); // PROTO
  p.bytes(0x7d); // EMPTY_DICT
  p.text('model');
  p.call('collections', 'OrderedDict', () => p.bytes(0x29)); // EMPTY_TUPLE
  p.bytes(0x28); // MARK
  for (const [key, tensor] of tensors.entries()) {
    const { name, dtype, shape } = tensor;
    tensorBytes(where, tensor);
    if (names.has(name)) refuse('name', where, 'distinct tensor names', quote(name));
    names.add(name);
    p.text(name);
    p.call('torch._utils', '_rebuild_tensor_v2', () => {
      p.tuple(() => {
        p.tuple(() => {
          p.text('storage');
          p.global('torch', storageClass(where, name, dtype));
          p.text(`${key}`);
          p.text('cpu');
          p.integer(elementCount(shape));
        });
        p.bytes(0x51); // BINPERSID
        p.integer(0);
        p.tuple(() => shape.forEach(p.integer));
        p.tuple(() => rowMajorStrides(shape).forEach(p.integer));
        p.bytes(0x89); // NEWFALSE: requires_grad
        p.call('collections', 'OrderedDict', () => p.bytes(0x29)); // backward hooks
      });
    });
  }
  p.bytes(0x75); // SETITEMS
  p.bytes(0x73); // SETITEM
  p.bytes(0x2e); // STOP
  return p.result();
}

function storageClass(where: string, name: string, dtype: DType): string {
  const entry = Object.entries(STORAGE_CLASSES).find(([, stored]) => stored === dtype);
  if (entry) return entry[0].slice('torch.'.length);
  return refuse(
    'dtype',
    where,
    'a dtype with a storage class in PyTorch',
    `${dtype} for ${name}`,
    'Convert it, or write safetensors.',
  );
}

/** Strides in elements; PyTorch counts a dimension of size 0 as 1. */
function rowMajorStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of shape.toReversed()) {
    strides.unshift(stride);
    stride *= Math.max(size, 1);
  }
  return strides;
}

interface Pickler {
  bytes(...bytes: number[]): void;
  text(text: string): void;
  integer(value: number): void;
  global(module: string, name: string): void;
  tuple(items: () => void): void;
  /** Calls a global with the tuple that `args` writes. */
  call(module: string, name: string, args: () => void): void;
  result(): Uint8Array;
}

/** Emits protocol 2. */
function pickler(): Pickler {
  let buffer = new Uint8Array(1 << 16);
  let length = 0;
  const append = (bytes: ArrayLike<number>): void => {
    if (length + bytes.length > buffer.length) {
      const larger = new Uint8Array(2 * (length + bytes.length));
      larger.set(buffer);
      buffer = larger;
    }
    buffer.set(bytes, length);
    length += bytes.length;
  };
  const bytes = (...values: number[]): void => append(values);
  const uint32 = (value: number): void => {
    append(new Uint8Array(new Uint32Array([value]).buffer));
  };
  const p: Pickler = {
    bytes,
    text(text: string): void {
      const utf8 = new TextEncoder().encode(text);
      bytes(0x58); // BINUNICODE
      uint32(utf8.byteLength);
      append(utf8);
    },
    integer(value: number): void {
      if (value < 2 ** 31) {
        bytes(0x4a); // BININT
        uint32(value);
      } else {
        bytes(0x8a, 8); // LONG1
        append(new Uint8Array(new BigInt64Array([BigInt(value)]).buffer));
      }
    },
    global(module: string, name: string): void {
      bytes(0x63); // GLOBAL
      append(new TextEncoder().encode(`${module}\n${name}\n`));
    },
    tuple(items: () => void): void {
      bytes(0x28); // MARK
      items();
      bytes(0x74); // TUPLE
    },
    call(module: string, name: string, args: () => void): void {
      p.global(module, name);
      args();
      bytes(0x52); // REDUCE
    },
    result: () => buffer.slice(0, length),
  };
  return p;
}
