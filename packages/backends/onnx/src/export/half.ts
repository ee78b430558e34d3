/** The largest number that float16 has, and the smallest above 0 that it has in full precision. */
export const MAX_FLOAT16 = 65504;
export const MIN_FLOAT16: number = 2 ** -14;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest float16 (IEEE 754 binary16, ties to even) as its bits; beyond its range, infinity. */
export function float16Bits(value: number): number {
  float[0] = value;
  const single = bits[0]!;
  const sign = (single >>> 16) & 0x8000;
  const magnitude = single & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above
  if (magnitude >= 0x38800000) {
    // A carry out of the fraction makes the exponent one larger, as it should.
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - 0x38000000) >>> 13);
  }
  // Multiples of 2⁻²⁴. Adding 2²³ · 2⁻²⁴ = 0.5 rounds to them.
  float[0] = Math.abs(float[0]!) + 0.5;
  return sign | (bits[0]! - 0x3f000000);
}

export function toFloat16(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = float16Bits(values[i]!);
  return halves;
}
