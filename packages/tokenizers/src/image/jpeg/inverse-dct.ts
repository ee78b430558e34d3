/** Fractional bits of the cosine products, and those kept between the two passes. */
const BITS = 13;
const PASS_BITS = 2;

// The integer constants that define the accurate method of libjpeg: each is round(2¹³ × factor) of
// the factorisation by Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms with
// 11 multiplications", 1989). All sums before a shift are exact, so their order is free.
const C0_541 = 4433;
const C0_765 = 6270;
const C1_847 = 15137;
const C1_175 = 9633;
const C0_298 = 2446;
const C2_053 = 16819;
const C3_072 = 25172;
const C1_501 = 12299;
const C0_899 = 7373;
const C2_562 = 20995;
const C1_961 = 16069;
const C0_390 = 3196;

const work: Int32Array = /* @__PURE__ */ new Int32Array(64);

/**
 * Dequantises the 64 coefficients from `at` on and writes the 8 × 8 samples (clamped to 0 … 255) they stand
 * for: bit for bit what libjpeg's "islow" method gives, so pictures decode as in Pillow.
 */
export function inverseDct(
  coefficients: Int16Array,
  at: number,
  quantization: Uint16Array,
  samples: Uint8ClampedArray,
  to: number,
  stride: number,
): void {
  let onlyDc = true;
  for (let i = 1; i < 64 && onlyDc; i++) onlyDc = coefficients[at + i] === 0;
  if (onlyDc) {
    const dc = Math.imul(coefficients[at]!, quantization[0]!);
    const value = ((dc + 4) >> 3) + 128;
    for (let y = 0; y < 8; y++) samples.fill(value, to + y * stride, to + y * stride + 8);
    return;
  }
  for (let x = 0; x < 8; x++) {
    for (let y = 0; y < 8; y++) {
      const i = 8 * y + x;
      work[i] = Math.imul(coefficients[at + i]!, quantization[i]!);
    }
    transform(x, 8, BITS - PASS_BITS);
  }
  for (let y = 0; y < 8; y++) {
    transform(8 * y, 1, BITS + PASS_BITS + 3);
    const row = to + y * stride;
    for (let x = 0; x < 8; x++) samples[row + x] = work[8 * y + x]! + 128;
  }
}

/** Eight values of `work` in place, each rounded and shifted right by `shift`. */
function transform(start: number, step: number, shift: number): void {
  const x0 = work[start]!;
  const x1 = work[start + step]!;
  const x2 = work[start + 2 * step]!;
  const x3 = work[start + 3 * step]!;
  const x4 = work[start + 4 * step]!;
  const x5 = work[start + 5 * step]!;
  const x6 = work[start + 6 * step]!;
  const x7 = work[start + 7 * step]!;
  const half = 1 << (shift - 1);

  const sum = ((x0 + x4) << BITS) + half;
  const difference = ((x0 - x4) << BITS) + half;
  const rotation = Math.imul(x2 + x6, C0_541);
  const low = rotation + Math.imul(x2, C0_765);
  const high = rotation - Math.imul(x6, C1_847);
  const e0 = (sum + low) | 0;
  const e3 = (sum - low) | 0;
  const e1 = (difference + high) | 0;
  const e2 = (difference - high) | 0;

  const common = Math.imul(x1 + x3 + x5 + x7, C1_175);
  const a = common - Math.imul(x3 + x7, C1_961);
  const b = common - Math.imul(x1 + x5, C0_390);
  const c = Math.imul(x1 + x7, C0_899);
  const d = Math.imul(x3 + x5, C2_562);
  const o0 = (Math.imul(x1, C1_501) - c + b) | 0;
  const o1 = (Math.imul(x3, C3_072) - d + a) | 0;
  const o2 = (Math.imul(x5, C2_053) - d + b) | 0;
  const o3 = (Math.imul(x7, C0_298) - c + a) | 0;

  work[start] = (e0 + o0) >> shift;
  work[start + 7 * step] = (e0 - o0) >> shift;
  work[start + step] = (e1 + o1) >> shift;
  work[start + 6 * step] = (e1 - o1) >> shift;
  work[start + 2 * step] = (e2 + o2) >> shift;
  work[start + 5 * step] = (e2 - o2) >> shift;
  work[start + 3 * step] = (e3 + o3) >> shift;
  work[start + 4 * step] = (e3 - o3) >> shift;
}
