import { readFileSync } from 'node:fs';

/** A tensor of a file, on the host. */
export interface FileTensor {
  /** The type in the file: `F32`, `I64`, … */
  dtype: string;
  shape: number[];
  /** int64 becomes Int32Array where every value fits, float16 and bfloat16 Float32Array. */
  data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

type Decode = (bytes: DataView, count: number) => FileTensor['data'];

const DECODERS: Readonly<Record<string, [size: number, Decode]>> = {
  F64: [8, (v, n) => Float64Array.from({ length: n }, (_, i) => v.getFloat64(8 * i, true))],
  F32: [4, (v, n) => Float32Array.from({ length: n }, (_, i) => v.getFloat32(4 * i, true))],
  F16: [2, (v, n) => Float32Array.from({ length: n }, (_, i) => half(v.getUint16(2 * i, true)))],
  BF16: [2, (v, n) => Float32Array.from({ length: n }, (_, i) => brain(v.getUint16(2 * i, true)))],
  I64: [8, (v, n) => Int32Array.from({ length: n }, (_, i) => small(v.getBigInt64(8 * i, true)))],
  I32: [4, (v, n) => Int32Array.from({ length: n }, (_, i) => v.getInt32(4 * i, true))],
  U8: [1, (v, n) => Uint8Array.from({ length: n }, (_, i) => v.getUint8(i))],
  BOOL: [1, (v, n) => Uint8Array.from({ length: n }, (_, i) => v.getUint8(i))],
};

/**
 * Reads a whole `.safetensors` file: name → tensor. Written apart from the reader of @imglish/core on
 * purpose, so that one checks the other; small files only.
 */
export function readSafetensors(path: string): Record<string, FileTensor> {
  const file = readFileSync(path);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors: Record<string, FileTensor> = {};
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const decoder = DECODERS[dtype];
    if (!decoder) throw new Error(`${path}: ${name} is ${dtype}, which is not read here`);
    const [size, decode] = decoder;
    const count = shape.reduce((product, length) => product * length, 1);
    const [start, end] = data_offsets;
    if (end - start !== count * size) throw new Error(`${path}: ${name} is ${end - start} bytes`);
    const bytes = new DataView(
      view.buffer,
      view.byteOffset + 8 + headerLength + start,
      end - start,
    );
    tensors[name] = { dtype, shape, data: decode(bytes, count) };
  }
  return tensors;
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function brain(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

function small(value: bigint): number {
  if (BigInt.asIntN(32, value) !== value) throw new Error(`${value} does not fit into int32`);
  return Number(value);
}
