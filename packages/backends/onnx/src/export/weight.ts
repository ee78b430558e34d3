import { BackendError, elementCount } from '@imglish/core';
import type { ElementType } from '../lower/proto.js';
import { toFloat16 } from './half.js';
import type { WeightSource } from './weight-source.js';

/** An initializer whose values are read and converted while it is written. */
export interface Weight {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** What it is made from. */
  readonly source: WeightSource;
  /** Its values, in pieces. */
  pieces(): AsyncIterable<Uint8Array>;
}

/** Values that are held at once: 4 MiB as float32. */
const PIECE = 2 ** 20;

export function float32Weight(
  name: string,
  source: WeightSource,
  shape: readonly number[] = source.shape,
): Weight {
  return {
    name,
    type: 'float32',
    shape,
    source,
    bytes: 4 * elementCount(shape),
    async *pieces() {
      for await (const values of pieces(source)) yield bytesOf(values);
    },
  };
}

/** @throws BackendError `backend/float16-range` while it is written, where a value is beyond ±65504. */
export function float16Weight(name: string, weight: Weight): Weight {
  const { shape, source } = weight;
  return {
    name,
    type: 'float16',
    shape,
    source,
    bytes: 2 * elementCount(shape),
    async *pieces() {
      for await (const values of pieces(source)) {
        const halves = toFloat16(values);
        const beyond = halves.findIndex(
          (bits, i) => isInfinite(bits) && Number.isFinite(values[i]),
        );
        if (beyond >= 0) refuseFloat16(weight.name, values[beyond]!);
        yield bytesOf(halves);
      }
    },
  };
}

const isInfinite = (bits: number) => (bits & 0x7fff) === 0x7c00;

function refuseFloat16(name: string, value: number): never {
  throw new BackendError({
    code: 'backend/float16-range',
    where: 'exportOnnx',
    expected: `values within ±65504 in ${name}`,
    got: String(value),
    fix: 'Export with precision float32 or int8.',
  });
}

/** Values of `levels` steps on either side of 0; each row of the matrix has a scale of its own. */
export interface RowQuantization {
  /** The largest magnitude that is written. */
  readonly levels: number;
  /** Whether columns become rows: `[I, O]` of a matrix `[O, I]`. */
  readonly transposed: boolean;
}

/**
 * A matrix `[O, I]` as int8: q = round(w / s), s = max |w| of the row / `levels`.
 *
 * Transposed, all of it is held (as int8); otherwise some rows at a time.
 */
export function int8Weight(
  name: string,
  matrix: Weight,
  { levels, transposed }: RowQuantization,
): Weight {
  const [rows, columns] = matrix.shape as [number, number];
  const { source } = matrix;
  return {
    name,
    type: 'int8',
    shape: transposed ? [columns, rows] : [rows, columns],
    source,
    bytes: rows * columns,
    async *pieces() {
      const whole = transposed ? new Int8Array(rows * columns) : undefined;
      for await (const { first, values } of rowsOf(source, columns, rows)) {
        const quantized = whole ?? new Int8Array(values.length);
        for (let at = 0; at < values.length; at += columns) {
          const inverse = 1 / scaleOf(values.subarray(at, at + columns), levels);
          const row = first + at / columns;
          for (let i = 0; i < columns; i++) {
            quantized[whole ? i * rows + row : at + i] = Math.round(values[at + i]! * inverse);
          }
        }
        if (!whole) yield bytesOf(quantized);
      }
      if (whole) yield bytesOf(whole);
    },
  };
}

/** The scales of `int8Weight`, float32 of the shape given: one for each row. */
export function scalesWeight(
  name: string,
  matrix: Weight,
  levels: number,
  shape: readonly number[],
): Weight {
  const [rows, columns] = matrix.shape as [number, number];
  const { source } = matrix;
  return {
    name,
    type: 'float32',
    shape,
    source,
    bytes: 4 * rows,
    async *pieces() {
      for await (const { values } of rowsOf(source, columns, rows)) {
        const scales = new Float32Array(values.length / columns);
        scales.forEach((_, row) => {
          scales[row] = scaleOf(values.subarray(row * columns, (row + 1) * columns), levels);
        });
        yield bytesOf(scales);
      }
    },
  };
}

/** A row of zeros has some scale; 1 is one. */
function scaleOf(row: Float32Array, levels: number): number {
  let largest = 0;
  for (const value of row) largest = Math.max(largest, Math.abs(value));
  return largest === 0 ? 1 : Math.fround(largest / levels);
}

async function* pieces(source: WeightSource): AsyncGenerator<Float32Array> {
  const total = elementCount(source.shape);
  for (let at = 0; at < total; at += PIECE) {
    yield await source.read(at, Math.min(PIECE, total - at));
  }
}

/** Whole rows, as many as a piece takes. */
async function* rowsOf(
  source: WeightSource,
  columns: number,
  rows: number,
): AsyncGenerator<{ first: number; values: Float32Array }> {
  const atOnce = Math.max(1, Math.floor(PIECE / columns));
  for (let first = 0; first < rows; first += atOnce) {
    const count = Math.min(atOnce, rows - first);
    yield { first, values: await source.read(first * columns, count * columns) };
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
