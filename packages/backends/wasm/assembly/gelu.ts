import { exp, loadSome, storeSome } from './math';

// gelu(x) = x Φ(x) with Φ(−a) = e^(−a²/2) · P(u) / (a + 3), u = (a − 3) / (a + 3), for a = |x|: P is the
// Chebyshev interpolation of degree 10 on 0 ≤ a ≤ 14 (relative error 1.2e-9; beyond 14 Φ is 0 in
// float32). The tail keeps its relative accuracy, which (1 + erf) / 2 loses.

/** Φ(−a) / e^(−a²/2). */
function tail(a: v128): v128 {
  const t = f32x4.div(f32x4.splat(1), f32x4.add(a, f32x4.splat(3)));
  const u = f32x4.sub(f32x4.splat(1), f32x4.mul(t, f32x4.splat(6)));
  let p = f32x4.splat(5.51746239384e-5);
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(0.000132825908652));
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(-0.00024448394209));
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(-0.00103389134814));
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(0.00102415766822));
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(0.00696968954317));
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(-0.0104623111579));
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(-0.0472627276894));
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(0.230017679713));
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(-0.509331990241));
  p = f32x4.add(f32x4.mul(p, u), f32x4.splat(0.729083690665));
  return f32x4.mul(p, t);
}

/** gelu(x) = max(x, 0) − a Φ(−a). */
function gelu4(x: v128): v128 {
  const a = f32x4.min(f32x4.abs(x), f32x4.splat(14));
  const e = exp(f32x4.mul(f32x4.mul(a, a), f32x4.splat(-0.5)));
  const positive = f32x4.max(x, f32x4.splat(0));
  return f32x4.sub(positive, f32x4.mul(a, f32x4.mul(e, tail(a))));
}

/** gelu′(x) = Φ(x) + x φ(x): with d = Φ(−a) − a φ(a), d below 0 and 1 − d above. */
function slope4(x: v128): v128 {
  const a = f32x4.min(f32x4.abs(x), f32x4.splat(14));
  const e = exp(f32x4.mul(f32x4.mul(a, a), f32x4.splat(-0.5)));
  const density = f32x4.mul(a, f32x4.splat(0.3989422804014327)); // 1 / √(2π)
  const d = f32x4.mul(e, f32x4.sub(tail(a), density));
  const negative = f32x4.lt(x, f32x4.splat(0));
  return v128.bitselect(d, f32x4.sub(f32x4.splat(1), d), negative);
}

export function gelu(x: usize, y: usize, size: i32): void {
  const end = x + ((size & ~3) << 2);
  while (x < end) {
    v128.store(y, gelu4(v128.load(x)));
    x += 16;
    y += 16;
  }
  const rest = size & 3;
  if (rest) storeSome(y, gelu4(loadSome(x, rest, 0)), rest);
}

/** dx = dy · gelu′(x). */
export function geluGrad(dy: usize, x: usize, dx: usize, size: i32): void {
  const end = x + ((size & ~3) << 2);
  while (x < end) {
    v128.store(dx, f32x4.mul(v128.load(dy), slope4(v128.load(x))));
    dy += 16;
    x += 16;
    dx += 16;
  }
  const rest = size & 3;
  if (rest) {
    storeSome(dx, f32x4.mul(loadSome(dy, rest, 0), slope4(loadSome(x, rest, 0))), rest);
  }
}
