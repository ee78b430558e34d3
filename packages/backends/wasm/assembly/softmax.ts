import { exp, loadSome, max4, storeSome, sum4 } from './math';

/** The largest of a row. */
function rowMax(x: usize, size: i32): f32 {
  const whole = (size & ~3) << 2;
  let top = f32x4.splat(-Infinity);
  for (let o = 0; o < whole; o += 16) top = f32x4.max(top, v128.load(x + o));
  const rest = size & 3;
  if (rest) top = f32x4.max(top, loadSome(x + whole, rest, -Infinity));
  return max4(top);
}

/** A row of scores, plus `bias` when that is not 0, becomes its softmax, in place. */
export function softmaxRow(x: usize, bias: usize, size: i32): void {
  const whole = (size & ~3) << 2;
  const rest = size & 3;
  if (bias !== 0) {
    for (let o = 0; o < whole; o += 16) {
      v128.store(x + o, f32x4.add(v128.load(x + o), v128.load(bias + o)));
    }
    for (let o = whole; o < size << 2; o += 4)
      f32.store(x + o, f32.load(x + o) + f32.load(bias + o));
  }
  const top = f32x4.splat(rowMax(x, size));
  let sums = f32x4.splat(0);
  for (let o = 0; o < whole; o += 16) {
    const e = exp(f32x4.sub(v128.load(x + o), top));
    sums = f32x4.add(sums, e);
    v128.store(x + o, e);
  }
  if (rest) {
    const e = exp(f32x4.sub(loadSome(x + whole, rest, -Infinity), top));
    sums = f32x4.add(sums, e);
    storeSome(x + whole, e, rest);
  }
  const scale = <f32>1 / sum4(sums);
  const scales = f32x4.splat(scale);
  for (let o = 0; o < whole; o += 16) v128.store(x + o, f32x4.mul(v128.load(x + o), scales));
  for (let o = whole; o < size << 2; o += 4) f32.store(x + o, f32.load(x + o) * scale);
}

/** dp becomes p · (dp − Σ p dp) · scale, in place, for each row of p [rows, size]. */
export function softmaxGrad(p: usize, dp: usize, rows: i32, size: i32, scale: f32): void {
  const bytes = size << 2;
  const whole = (size & ~3) << 2;
  const scales = f32x4.splat(scale);
  for (let i = 0; i < rows; i++) {
    let sums = f32x4.splat(0);
    for (let o = 0; o < whole; o += 16) {
      sums = f32x4.add(sums, f32x4.mul(v128.load(p + o), v128.load(dp + o)));
    }
    let sum = sum4(sums);
    for (let o = whole; o < bytes; o += 4) sum += f32.load(p + o) * f32.load(dp + o);
    const inner = f32x4.splat(sum);
    for (let o = 0; o < whole; o += 16) {
      const d = f32x4.mul(v128.load(p + o), f32x4.sub(v128.load(dp + o), inner));
      v128.store(dp + o, f32x4.mul(d, scales));
    }
    for (let o = whole; o < bytes; o += 4) {
      f32.store(dp + o, f32.load(p + o) * (f32.load(dp + o) - sum) * scale);
    }
    p += bytes;
    dp += bytes;
  }
}

/** For each row of x [rows, size]: its maximum, and Σ e^(x − maximum). The logarithm is the caller's. */
export function maxAndSumExp(x: usize, rows: i32, size: i32, maxima: usize, sums: usize): void {
  const whole = (size & ~3) << 2;
  const rest = size & 3;
  for (let i = 0; i < rows; i++) {
    const top = rowMax(x, size);
    const tops = f32x4.splat(top);
    let total = f32x4.splat(0);
    for (let o = 0; o < whole; o += 16) {
      total = f32x4.add(total, exp(f32x4.sub(v128.load(x + o), tops)));
    }
    if (rest) total = f32x4.add(total, exp(f32x4.sub(loadSome(x + whole, rest, -Infinity), tops)));
    f32.store(maxima + (i << 2), top);
    f32.store(sums + (i << 2), sum4(total));
    x += size << 2;
  }
}

/** dlogits = dloss · weight · (e^(logits − lse) − onehot(label)), row by row of [rows, size]. */
export function crossEntropyGrad(
  dloss: usize,
  logits: usize,
  labels: usize,
  weights: usize,
  lse: usize,
  dlogits: usize,
  rows: i32,
  size: i32,
): void {
  const whole = (size & ~3) << 2;
  const rest = size & 3;
  for (let i = 0; i < rows; i++) {
    const at = i << 2;
    const scale = f32.load(dloss + at) * f32.load(weights + at);
    if (scale === 0) {
      memory.fill(dlogits, 0, size << 2);
    } else {
      const scales = f32x4.splat(scale);
      const top = f32x4.splat(f32.load(lse + at));
      for (let o = 0; o < whole; o += 16) {
        v128.store(dlogits + o, f32x4.mul(scales, exp(f32x4.sub(v128.load(logits + o), top))));
      }
      if (rest) {
        const e = exp(f32x4.sub(loadSome(logits + whole, rest, 0), top));
        storeSome(dlogits + whole, f32x4.mul(scales, e), rest);
      }
      const label = i32.load(labels + at);
      if (label >= 0 && label < size) {
        const to = dlogits + (label << 2);
        f32.store(to, f32.load(to) - scale);
      }
    }
    logits += size << 2;
    dlogits += size << 2;
  }
}
