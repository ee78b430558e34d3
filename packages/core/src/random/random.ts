/**
 * Counter-based randomness: `draw(seed, purpose, step, sampleIndex)` names a stream, so there is no
 * state to save and the numbers do not depend on how many workers draw them.
 *
 * The generator is Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011): key = (seed, hash of the purpose), counter = (block, sample index, step low, step high).
 */
export interface RandomStream {
  /** A 32-bit unsigned integer. */
  uint32(): number;
  /** Uniform in [0, 1), 24 random bits: exactly representable in float32. */
  uniform(): number;
  /** Standard normal (Box–Muller). */
  normal(): number;
  /** Uniform integer in [0, n), without bias. */
  integer(n: number): number;
  /** A permutation of 0 … n-1 (Fisher–Yates). */
  permutation(n: number): Uint32Array;
}

/** Opens the stream that belongs to these four coordinates; equal coordinates give equal numbers. */
export function draw(seed: number, purpose: string, step = 0, sampleIndex = 0): RandomStream {
  const key0 = seed >>> 0;
  const key1 = (fnv1a(purpose) ^ Math.floor(seed / 2 ** 32)) >>> 0;
  const counter = new Uint32Array([0, sampleIndex, step, Math.floor(step / 2 ** 32)]);
  const block = new Uint32Array(4);
  let used = 4;

  const uint32 = (): number => {
    if (used === 4) {
      philox(counter, key0, key1, block);
      counter[0]!++;
      used = 0;
    }
    return block[used++]!;
  };
  const uniform = (): number => (uint32() >>> 8) / 2 ** 24;
  const integer = (n: number): number => {
    const limit = Math.floor(2 ** 32 / n) * n;
    for (;;) {
      const value = uint32();
      if (value < limit) return value % n;
    }
  };
  return {
    uint32,
    uniform,
    integer,
    normal(): number {
      const radius = Math.sqrt(-2 * Math.log((uint32() + 1) / 2 ** 32));
      return radius * Math.cos((2 * Math.PI * uint32()) / 2 ** 32);
    },
    permutation(n: number): Uint32Array {
      const order = Uint32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = integer(i + 1);
        const swap = order[i]!;
        order[i] = order[j]!;
        order[j] = swap;
      }
      return order;
    },
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

function philox(counter: Uint32Array, key0: number, key1: number, out: Uint32Array): void {
  let [c0, c1, c2, c3] = counter as unknown as [number, number, number, number];
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = mulHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}
