import { refuse } from './refuse.js';

/** Array that holds the elements of each dtype; F16 and BF16 as their bits, BOOL as 0 and 1. */
export interface DataOf {
  F64: Float64Array;
  F32: Float32Array;
  F16: Uint16Array;
  BF16: Uint16Array;
  I64: BigInt64Array;
  I32: Int32Array;
  I16: Int16Array;
  I8: Int8Array;
  U64: BigUint64Array;
  U32: Uint32Array;
  U16: Uint16Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}

/** Element types by their safetensors name. */
export type DType = keyof DataOf;

export type TensorData = DataOf[DType];

const ARRAYS: { readonly [D in DType]: new (buffer: ArrayBufferLike) => DataOf[D] } = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** Bytes of one element. */
export const ITEM_BYTES: Readonly<Record<DType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

export function isDType(name: string): name is DType {
  return Object.hasOwn(ITEM_BYTES, name);
}

export function isFloat(dtype: DType): dtype is 'F64' | 'F32' | 'F16' | 'BF16' {
  return dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** Whether `data` is the kind of array that holds elements of `dtype`. */
export function holds(dtype: DType, data: TensorData): boolean {
  return data instanceof ARRAYS[dtype];
}

/** Product of the sizes; 1 for a scalar. Not a safe integer where the shape is absurd. */
export function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

/**
 * Little-endian bytes as elements of `dtype`. The result never aliases a larger buffer: bytes that
 * are a window into one are copied, which also aligns them.
 */
export function decode<D extends DType>(dtype: D, bytes: Uint8Array): DataOf[D] {
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  return new ARRAYS[dtype](whole ? bytes.buffer : bytes.slice().buffer);
}

/** The bytes of an array, without copying them. */
export function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Nearest float32 of F64, F32, F16 or BF16 elements; F32 comes back as it is. Throws for integers. */
export function toFloat32(where: string, dtype: DType, data: TensorData): Float32Array {
  switch (dtype) {
    case 'F32':
      return data as Float32Array;
    case 'F64':
      return new Float32Array(data as Float64Array);
    case 'BF16':
      return widen(data as Uint16Array, (bits) => bits << 16);
    case 'F16':
      return widen(data as Uint16Array, halfToSingleBits);
    default:
      return refuse(
        'dtype',
        where,
        'F64, F32, F16 or BF16',
        dtype,
        'Use read() or readInt32() for integers.',
      );
  }
}

/** Elements of an integer dtype or BOOL as int32. Throws for floats and for values beyond int32. */
export function toInt32(where: string, dtype: DType, data: TensorData): Int32Array {
  if (isFloat(dtype)) {
    return refuse('dtype', where, 'an integer dtype or BOOL', dtype, 'Use readFloat32().');
  }
  if (data instanceof Int32Array) return data;
  const result = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    result[i] = value;
    if (result[i] !== value) {
      refuse('int32-range', where, 'values within int32', `${data[i]} at ${i}`, 'Use read().');
    }
  }
  return result;
}

function widen(halves: Uint16Array, bitsOf: (half: number) => number): Float32Array {
  const bits = new Int32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = bitsOf(halves[i]!);
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16 bits → binary32 bits (exact). */
function halfToSingleBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: shift the leading one into the implicit place.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
