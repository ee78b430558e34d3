import {
  type DataOf,
  type DType,
  decode,
  elementCount,
  holds,
  ITEM_BYTES,
  type TensorData,
  toFloat32,
  toInt32,
} from './dtype.js';
import { refuse } from './refuse.js';

/** What a writer needs to know of a tensor; `read` is called once, when its turn comes. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The elements, row by row. The caller owns the array. */
  read(): Promise<TensorData>;
}

/** Where the little-endian, row-major bytes of a tensor lie. */
export interface StoredAt {
  /** Absolute path, or URL. */
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** A tensor in a file: its name, dtype and shape are known, its elements are read on request. */
export interface StoredTensor extends TensorEntry {
  /** Where others can read the elements as they are; left out where that is nowhere. */
  readonly storedAt?: StoredAt;
  /** F64, F32, F16 and BF16 as (nearest) float32; `checkpoint/dtype` for integers. */
  readFloat32(): Promise<Float32Array>;
  /** Integers and BOOL as int32; `checkpoint/int32-range` where a value does not fit. */
  readInt32(): Promise<Int32Array>;
}

/** A weights file of any format, opened: headers are read and checked, elements are not. */
export interface TensorFile {
  /** For messages. */
  readonly name: string;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free text that the file carries (`__metadata__` of safetensors; empty for other formats). */
  readonly metadata: Readonly<Record<string, string>>;
  /** Closes the byte sources below. Tensors cannot be read afterwards. */
  close(): Promise<void>;
}

/** Limits on what a header may claim; real files are far below them. */
export const MAX_TENSORS = 100_000;
export const MAX_RANK = 32;

/** A `StoredTensor` whose little-endian bytes `readBytes` gives, and `storedAt` holds. */
export function storedTensor(
  name: string,
  dtype: DType,
  shape: readonly number[],
  readBytes: () => Promise<Uint8Array>,
  storedAt?: StoredAt,
): StoredTensor {
  const read = async (): Promise<TensorData> => decode(dtype, await readBytes());
  return {
    name,
    dtype,
    shape,
    ...(storedAt ? { storedAt } : {}),
    read,
    readFloat32: async () => toFloat32(`readFloat32 of ${name}`, dtype, await read()),
    readInt32: async () => toInt32(`readInt32 of ${name}`, dtype, await read()),
  };
}

/** A `TensorEntry` over elements in memory, for the writers. Throws where shape and data disagree. */
export function tensorEntry<D extends DType>(
  name: string,
  dtype: D,
  shape: readonly number[],
  data: DataOf[D],
): TensorEntry {
  checkData('tensorEntry', { name, dtype, shape }, data);
  return { name, dtype, shape, read: async () => data };
}

/** Throws unless `data` holds exactly the elements that dtype and shape say. */
export function checkData(
  where: string,
  tensor: Pick<TensorEntry, 'name' | 'dtype' | 'shape'>,
  data: TensorData,
): void {
  const { name, dtype, shape } = tensor;
  const length = elementCount(shape);
  if (data.length === length && holds(dtype, data)) return;
  refuse(
    'wrong-data',
    where,
    `${length} ${dtype} elements for ${name} [${shape.join(', ')}]`,
    `${data.constructor.name} of ${data.length}`,
  );
}

/** Bytes of a tensor. Throws where the shape is not one or the size cannot be counted. */
export function tensorBytes(
  where: string,
  tensor: Pick<TensorEntry, 'name' | 'dtype' | 'shape'>,
): number {
  const { name, dtype, shape } = tensor;
  const bytes = elementCount(shape) * ITEM_BYTES[dtype];
  const valid = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (valid && shape.length <= MAX_RANK && Number.isSafeInteger(bytes)) return bytes;
  return refuse(
    'shape',
    where,
    `a shape of at most ${MAX_RANK} sizes for ${name}`,
    `[${shape.slice(0, MAX_RANK).join(', ')}${shape.length > MAX_RANK ? ', …' : ''}]`,
  );
}
