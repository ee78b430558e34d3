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

/** A matrix in whole numbers: q = round(w / s), with a scale s for each row or each column. */
export interface QuantizedWeight {
  /** int8 of the shape of the matrix, or of its transpose. */
  readonly values: Weight;
  /** float32 `[n]`. */
  readonly scales: Weight;
}

export interface QuantizeOptions {
  /** The axis that there is a scale for each index of. */
  readonly axis: 0 | 1;
  /** The largest magnitude that is written: s = max |w| / levels. */
  readonly levels: number;
  /** Whether the transpose is written: all of it is held then, as int8. */
  readonly transposed?: boolean;
}

export function quantized(
  name: string,
  matrix: Weight,
  { axis, levels, transposed = false }: QuantizeOptions,
): QuantizedWeight {
  const { source } = matrix;
  const [rows, columns] = matrix.shape as [number, number];
  let found: Promise<Float32Array> | undefined;
  const scales = () => {
    found ??= scalesOf(matrix, axis, levels);
    return found;
  };
  const values: Weight = {
    name: `${name}:int8`,
    type: 'int8',
    shape: transposed ? [columns, rows] : [rows, columns],
    source,
    bytes: rows * columns,
    async *pieces() {
      const steps = await scales();
      const whole = transposed ? new Int8Array(rows * columns) : undefined;
      for await (const { first, values } of rowsOf(matrix)) {
        const written = whole ?? new Int8Array(values.length);
        for (let i = 0; i < values.length; i++) {
          const [row, column] = [first + Math.floor(i / columns), i % columns];
          const at = whole ? column * rows + row : i;
          written[at] = Math.round(values[i]! / steps[axis === 0 ? row : column]!);
        }
        if (!whole) yield bytesOf(written);
      }
      if (whole) yield bytesOf(whole);
    },
  };
  const count = matrix.shape[axis]!;
  return {
    values,
    scales: {
      name: `${name}:scale`,
      type: 'float32',
      shape: [count],
      source,
      bytes: 4 * count,
      async *pieces() {
        yield bytesOf(await scales());
      },
    },
  };
}

async function scalesOf(matrix: Weight, axis: 0 | 1, levels: number): Promise<Float32Array> {
  const columns = matrix.shape[1]!;
  const largest = new Float32Array(matrix.shape[axis]!);
  for await (const { first, values } of rowsOf(matrix)) {
    for (let i = 0; i < values.length; i++) {
      const index = axis === 0 ? first + Math.floor(i / columns) : i % columns;
      const magnitude = Math.abs(values[i]!);
      if (magnitude > largest[index]!) largest[index] = magnitude;
    }
  }
  // For zeros any scale does.
  return largest.map((magnitude) => (magnitude === 0 ? 1 : magnitude / levels));
}

async function* pieces(source: WeightSource): AsyncGenerator<Float32Array> {
  const total = elementCount(source.shape);
  for (let at = 0; at < total; at += PIECE) {
    yield await source.read(at, Math.min(PIECE, total - at));
  }
}

/** Whole rows, as many as a piece takes. */
async function* rowsOf({
  source,
  shape,
}: Weight): AsyncGenerator<{ first: number; values: Float32Array }> {
  const [rows, columns] = shape as [number, number];
  const atOnce = Math.max(1, Math.floor(PIECE / columns));
  for (let first = 0; first < rows; first += atOnce) {
    const count = Math.min(atOnce, rows - first);
    yield { first, values: await source.read(first * columns, count * columns) };
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
