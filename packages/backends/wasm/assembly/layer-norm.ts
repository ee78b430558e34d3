import { madd, sum4 } from './math';

/** Σ x, in four chains: one alone waits for every addition. */
function sum(x: usize, size: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const end = x + (size << 2);
  const blocks = x + ((size & ~15) << 2);
  for (; x < blocks; x += 64) {
    s0 = f32x4.add(s0, v128.load(x));
    s1 = f32x4.add(s1, v128.load(x, 16));
    s2 = f32x4.add(s2, v128.load(x, 32));
    s3 = f32x4.add(s3, v128.load(x, 48));
  }
  let total = sum4(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; x < end; x += 4) total += f32.load(x);
  return total;
}

/** Σ (x − mean)², likewise. */
function sumOfSquares(x: usize, mean: f32, size: i32): f32 {
  const centre = f32x4.splat(mean);
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const end = x + (size << 2);
  const blocks = x + ((size & ~15) << 2);
  for (; x < blocks; x += 64) {
    const c0 = f32x4.sub(v128.load(x), centre);
    const c1 = f32x4.sub(v128.load(x, 16), centre);
    const c2 = f32x4.sub(v128.load(x, 32), centre);
    const c3 = f32x4.sub(v128.load(x, 48), centre);
    s0 = madd(c0, c0, s0);
    s1 = madd(c1, c1, s1);
    s2 = madd(c2, c2, s2);
    s3 = madd(c3, c3, s3);
  }
  let total = sum4(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; x < end; x += 4) {
    const c = f32.load(x) - mean;
    total += c * c;
  }
  return total;
}

/** y = (x − mean) · rstd · γ + β for each row of x [rows, size]. */
export function layerNorm(
  x: usize,
  gamma: usize,
  beta: usize,
  y: usize,
  means: usize,
  rstds: usize,
  rows: i32,
  size: i32,
  epsilon: f32,
): void {
  const bytes = size << 2;
  const whole = (size & ~3) << 2;
  for (let i = 0; i < rows; i++) {
    const mean = sum(x, size) / <f32>size;
    const variance = sumOfSquares(x, mean, size) / <f32>size;
    const rstd = <f32>1 / sqrt<f32>(variance + epsilon);

    const centre = f32x4.splat(mean);
    const scale = f32x4.splat(rstd);
    for (let o = 0; o < whole; o += 16) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + o), centre), scale);
      v128.store(y + o, f32x4.add(f32x4.mul(n, v128.load(gamma + o)), v128.load(beta + o)));
    }
    for (let o = whole; o < bytes; o += 4) {
      const n = (f32.load(x + o) - mean) * rstd;
      f32.store(y + o, n * f32.load(gamma + o) + f32.load(beta + o));
    }
    f32.store(means + (i << 2), mean);
    f32.store(rstds + (i << 2), rstd);
    x += bytes;
    y += bytes;
  }
}

/**
 * dx = rstd · (g − mean(g) − x̂ · mean(g · x̂)) with g = dy · γ; dγ = Σ dy · x̂; dβ = Σ dy.
 */
export function layerNormGrad(
  dy: usize,
  x: usize,
  gamma: usize,
  means: usize,
  rstds: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  rows: i32,
  size: i32,
): void {
  const bytes = size << 2;
  const whole = (size & ~3) << 2;
  memory.fill(dgamma, 0, bytes);
  memory.fill(dbeta, 0, bytes);
  for (let i = 0; i < rows; i++) {
    const mean = f32.load(means + (i << 2));
    const rstd = f32.load(rstds + (i << 2));
    const centre = f32x4.splat(mean);
    const scale = f32x4.splat(rstd);
    let sums = f32x4.splat(0);
    let products = f32x4.splat(0);
    for (let o = 0; o < whole; o += 16) {
      const d = v128.load(dy + o);
      const n = f32x4.mul(f32x4.sub(v128.load(x + o), centre), scale);
      const g = f32x4.mul(d, v128.load(gamma + o));
      sums = f32x4.add(sums, g);
      products = f32x4.add(products, f32x4.mul(g, n));
      v128.store(dgamma + o, f32x4.add(v128.load(dgamma + o), f32x4.mul(d, n)));
      v128.store(dbeta + o, f32x4.add(v128.load(dbeta + o), d));
    }
    let meanOfG = sum4(sums);
    let product = sum4(products);
    for (let o = whole; o < bytes; o += 4) {
      const d = f32.load(dy + o);
      const n = (f32.load(x + o) - mean) * rstd;
      const g = d * f32.load(gamma + o);
      meanOfG += g;
      product += g * n;
      f32.store(dgamma + o, f32.load(dgamma + o) + d * n);
      f32.store(dbeta + o, f32.load(dbeta + o) + d);
    }
    meanOfG /= <f32>size;
    product /= <f32>size;

    const meanOfG4 = f32x4.splat(meanOfG);
    const product4s = f32x4.splat(product);
    for (let o = 0; o < whole; o += 16) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + o), centre), scale);
      const g = f32x4.mul(v128.load(dy + o), v128.load(gamma + o));
      const inner = f32x4.sub(f32x4.sub(g, meanOfG4), f32x4.mul(n, product4s));
      v128.store(dx + o, f32x4.mul(scale, inner));
    }
    for (let o = whole; o < bytes; o += 4) {
      const n = (f32.load(x + o) - mean) * rstd;
      const g = f32.load(dy + o) * f32.load(gamma + o);
      f32.store(dx + o, rstd * (g - meanOfG - n * product));
    }
    dy += bytes;
    x += bytes;
    dx += bytes;
  }
}
