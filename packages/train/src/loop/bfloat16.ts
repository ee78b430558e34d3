import type { MomentsSource, StateSource, ValueSource } from './contracts.js';
import { mapValues } from './state.js';

/** The nearest bfloat16 of each value, of two the even one, as float32; infinities and NaN stay. */
export function nearestBfloat16(values: Float32Array): Float32Array {
  const rounded = values.slice();
  const bits = new Uint32Array(rounded.buffer);
  for (let i = 0; i < bits.length; i++) {
    const value = bits[i]!;
    if ((value & 0x7f80_0000) === 0x7f80_0000) continue;
    bits[i] = (value + 0x7fff + ((value >>> 16) & 1)) & 0xffff_0000;
  }
  return rounded;
}

/** The bits of values that are bfloat16 already. */
export function bitsOfBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (value) => value >>> 16);
}

/** A state whose moments are bfloat16 already, and are to be stored as such. */
export function withBfloat16Moments(state: StateSource): StateSource {
  const stored = (source: ValueSource): ValueSource => ({ ...source, stored: 'bfloat16' });
  const moments = mapValues(state.moments, ({ step, m, v }): MomentsSource => {
    return { step, m: stored(m), v: stored(v) };
  });
  return { ...state, moments };
}
