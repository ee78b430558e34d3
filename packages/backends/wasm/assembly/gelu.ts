import { exp, madd } from './math';

// gelu(x) = x Φ(x) with Φ(−a) = e^(−a²/2) · P(u) / (a + 3), u = (a − 3) / (a + 3), for a = |x|: P is the
// Chebyshev interpolation of degree 10 on 0 ≤ a ≤ 14 (relative error 1.2e-9; beyond 14 Φ is 0 in
// float32). The tail keeps its relative accuracy, which (1 + erf) / 2 loses.

/** Elements that are worked on at a time. */
const CHUNK: i32 = 256;
const CHUNK_BYTES: i32 = CHUNK << 2;

/** Bytes that `gelu` and `geluGrad` need at `work`. */
export function geluWork(): i32 {
  return 3 * CHUNK_BYTES;
}

/**
 * For each of `size` (a multiple of 8) values of x: Φ(−|x|) at `tails`, e^(−x²/2) at `densities`. Two vectors
 * at once share the constants, which cost V8 more than the arithmetic, and their chains overlap.
 */
function tailsAndDensities(x: usize, tails: usize, densities: usize, size: i32): void {
  const end = x + (size << 2);
  while (x < end) {
    const a0 = f32x4.min(f32x4.abs(v128.load(x)), f32x4.splat(14));
    const a1 = f32x4.min(f32x4.abs(v128.load(x, 16)), f32x4.splat(14));
    const t0 = f32x4.div(f32x4.splat(1), f32x4.add(a0, f32x4.splat(3)));
    const t1 = f32x4.div(f32x4.splat(1), f32x4.add(a1, f32x4.splat(3)));
    const u0 = madd(t0, f32x4.splat(-6), f32x4.splat(1));
    const u1 = madd(t1, f32x4.splat(-6), f32x4.splat(1));
    let p0 = f32x4.splat(5.51746239384e-5);
    let p1 = f32x4.splat(5.51746239384e-5);
    p0 = madd(p0, u0, f32x4.splat(0.000132825908652));
    p1 = madd(p1, u1, f32x4.splat(0.000132825908652));
    p0 = madd(p0, u0, f32x4.splat(-0.00024448394209));
    p1 = madd(p1, u1, f32x4.splat(-0.00024448394209));
    p0 = madd(p0, u0, f32x4.splat(-0.00103389134814));
    p1 = madd(p1, u1, f32x4.splat(-0.00103389134814));
    p0 = madd(p0, u0, f32x4.splat(0.00102415766822));
    p1 = madd(p1, u1, f32x4.splat(0.00102415766822));
    p0 = madd(p0, u0, f32x4.splat(0.00696968954317));
    p1 = madd(p1, u1, f32x4.splat(0.00696968954317));
    p0 = madd(p0, u0, f32x4.splat(-0.0104623111579));
    p1 = madd(p1, u1, f32x4.splat(-0.0104623111579));
    p0 = madd(p0, u0, f32x4.splat(-0.0472627276894));
    p1 = madd(p1, u1, f32x4.splat(-0.0472627276894));
    p0 = madd(p0, u0, f32x4.splat(0.230017679713));
    p1 = madd(p1, u1, f32x4.splat(0.230017679713));
    p0 = madd(p0, u0, f32x4.splat(-0.509331990241));
    p1 = madd(p1, u1, f32x4.splat(-0.509331990241));
    p0 = madd(p0, u0, f32x4.splat(0.729083690665));
    p1 = madd(p1, u1, f32x4.splat(0.729083690665));
    const e0 = exp(f32x4.mul(f32x4.mul(a0, a0), f32x4.splat(-0.5)));
    const e1 = exp(f32x4.mul(f32x4.mul(a1, a1), f32x4.splat(-0.5)));
    v128.store(densities, e0);
    v128.store(densities, e1, 16);
    v128.store(tails, f32x4.mul(e0, f32x4.mul(p0, t0)));
    v128.store(tails, f32x4.mul(e1, f32x4.mul(p1, t1)), 16);
    x += 32;
    tails += 32;
    densities += 32;
  }
}

/** The same for a chunk of any size; what lies behind its end is not read. */
function prepare(x: usize, count: i32, work: usize): void {
  let from = x;
  if (count & 7) {
    from = work + 2 * CHUNK_BYTES;
    memory.fill(from, 0, CHUNK_BYTES);
    memory.copy(from, x, count << 2);
  }
  tailsAndDensities(from, work, work + CHUNK_BYTES, (count + 7) & ~7);
}

/** gelu(x) = max(x, 0) − |x| Φ(−|x|). */
export function gelu(x: usize, y: usize, size: i32, work: usize): void {
  for (let i = 0; i < size; i += CHUNK) {
    const count = min(size - i, CHUNK);
    prepare(x, count, work);
    const bytes = count << 2;
    const whole = bytes & ~15;
    for (let o = 0; o < whole; o += 16) {
      const value = v128.load(x + o);
      const below = f32x4.mul(f32x4.min(f32x4.abs(value), f32x4.splat(14)), v128.load(work + o));
      v128.store(y + o, f32x4.sub(f32x4.max(value, f32x4.splat(0)), below));
    }
    for (let o = whole; o < bytes; o += 4) {
      const value = f32.load(x + o);
      const below = min<f32>(abs<f32>(value), 14) * f32.load(work + o);
      f32.store(y + o, max<f32>(value, 0) - below);
    }
    x += bytes;
    y += bytes;
  }
}

/**
 * dx = dy · gelu′(x), gelu′(x) = Φ(x) + x φ(x): with d = Φ(−a) − a φ(a), that is d below 0 and 1 − d above.
 */
export function geluGrad(dy: usize, x: usize, dx: usize, size: i32, work: usize): void {
  const root: f32 = 0.3989422804014327; // 1 / √(2π)
  for (let i = 0; i < size; i += CHUNK) {
    const count = min(size - i, CHUNK);
    prepare(x, count, work);
    const bytes = count << 2;
    const whole = bytes & ~15;
    for (let o = 0; o < whole; o += 16) {
      const value = v128.load(x + o);
      const a = f32x4.mul(f32x4.min(f32x4.abs(value), f32x4.splat(14)), f32x4.splat(root));
      const d = f32x4.sub(v128.load(work + o), f32x4.mul(a, v128.load(work + CHUNK_BYTES + o)));
      const negative = f32x4.lt(value, f32x4.splat(0));
      const slope = v128.bitselect(d, f32x4.sub(f32x4.splat(1), d), negative);
      v128.store(dx + o, f32x4.mul(v128.load(dy + o), slope));
    }
    for (let o = whole; o < bytes; o += 4) {
      const value = f32.load(x + o);
      const a = min<f32>(abs<f32>(value), 14) * root;
      const d = f32.load(work + o) - a * f32.load(work + CHUNK_BYTES + o);
      f32.store(dx + o, f32.load(dy + o) * (value < 0 ? d : 1 - d));
    }
    dy += bytes;
    x += bytes;
    dx += bytes;
  }
}
