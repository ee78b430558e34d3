import type { HostDType } from '@imglish/core';

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** A copy of the values as what a tensor of the type holds. */
export function typedValues(
  values: ArrayLike<number>,
  dtype: HostDType,
): Float32Array | Int32Array | Uint8Array {
  return ARRAYS[dtype].from(values);
}

export function zeroValues(
  length: number,
  dtype: HostDType,
): Float32Array | Int32Array | Uint8Array {
  return new ARRAYS[dtype](length);
}

/** Whether one number stands everywhere; an empty tensor has none. */
export function isUniform(values: ArrayLike<number>): boolean {
  const first = values[0];
  if (first === undefined) return false;
  for (let i = 1; i < values.length; i++) {
    if (!Object.is(values[i], first)) return false;
  }
  return true;
}
