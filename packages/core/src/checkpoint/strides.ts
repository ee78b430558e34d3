import { elementCount } from './dtype.js';

/** Whether elements lie row by row without gaps; the stride of a dimension of size 1 is free. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false;
    expected *= shape[i]!;
  }
  return true;
}

/**
 * Copies a strided view into row-major order: element `(i, j, …)` of the result is the element
 * `i·strides[0] + j·strides[1] + …` of `bytes`. Strides count elements of `itemBytes` bytes.
 */
export function gather(
  bytes: Uint8Array,
  itemBytes: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  const count = elementCount(shape);
  const result = new Uint8Array(count * itemBytes);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.byteLength; to += itemBytes) {
    const begin = from * itemBytes;
    for (let b = 0; b < itemBytes; b++) result[to + b] = bytes[begin + b]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
