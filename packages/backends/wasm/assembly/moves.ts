// Moving elements of four bytes, whatever they mean.

/** Rows are short: a loop beats the call that `memory.copy` is. */
function copy(to: usize, from: usize, bytes: i32): void {
  if (bytes > 2048) {
    memory.copy(to, from, bytes);
    return;
  }
  const whole = bytes & ~15;
  for (let o = 0; o < whole; o += 16) v128.store(to + o, v128.load(from + o));
  for (let o = whole; o < bytes; o += 4) i32.store(to + o, i32.load(from + o));
}

/** `rows` runs of `width` elements; rows begin `fromStride` and `toStride` elements apart. */
export function copyRows(
  from: usize,
  fromStride: i32,
  to: usize,
  toStride: i32,
  rows: i32,
  width: i32,
): void {
  for (let i = 0; i < rows; i++) {
    copy(to, from, width << 2);
    from += fromStride << 2;
    to += toStride << 2;
  }
}

/** out[i] = table[indices[i]], rows of `width` elements. */
export function gatherRows(table: usize, indices: usize, out: usize, count: i32, width: i32): void {
  for (let i = 0; i < count; i++) {
    copy(out, table + ((<usize>i32.load(indices + (i << 2)) * width) << 2), width << 2);
    out += width << 2;
  }
}

/**
 * y = x with its axes in another order: `axes` holds, for each of the `rank` axes of y, its length and how
 * far apart its elements are in x; runs of `inner` elements stay together. `axes` is used up: it holds
 * rank · 3 words, the last third for the position.
 */
export function permute(x: usize, y: usize, axes: usize, rank: i32, inner: i32): void {
  const strides = axes + (rank << 2);
  const position = strides + (rank << 2);
  const last = (rank - 1) << 2;
  let rows = 1;
  for (let o = 0; o < last; o += 4) {
    rows *= i32.load(axes + o);
    i32.store(position + o, 0);
  }
  const bytes = inner << 2;
  const length = i32.load(axes + last);
  const stride = i32.load(strides + last) << 2;
  for (let row = 0; row < rows; row++) {
    let from = x;
    for (let i = 0; i < length; i++) {
      copy(y, from, bytes);
      from += stride;
      y += bytes;
    }
    // The next row: count up, from the last axis but one.
    for (let o = last - 4; o >= 0; o -= 4) {
      const step = i32.load(strides + o) << 2;
      const next = i32.load(position + o) + 1;
      const size = i32.load(axes + o);
      x += step;
      if (next < size) {
        i32.store(position + o, next);
        break;
      }
      i32.store(position + o, 0);
      x -= step * size;
    }
  }
}

/** y [count, b, a] = each of x [count, a, b] transposed. */
export function transposeEach(x: usize, y: usize, count: i32, a: i32, b: i32): void {
  for (let i = 0; i < count; i++) {
    transpose(x, y, a, b);
    x += (a * b) << 2;
    y += (a * b) << 2;
  }
}

/** y [b, a] = xᵀ, x [a, b], in blocks of 4 × 4. */
function transpose(x: usize, y: usize, a: i32, b: i32): void {
  const xRow = b << 2;
  const yRow = a << 2;
  const aWhole = a & ~3;
  const bWhole = b & ~3;
  for (let i = 0; i < aWhole; i += 4) {
    let from = x + i * xRow;
    let to = y + (i << 2);
    for (let j = 0; j < bWhole; j += 4) {
      const x0 = v128.load(from);
      const x1 = v128.load(from + xRow);
      const x2 = v128.load(from + 2 * xRow);
      const x3 = v128.load(from + 3 * xRow);
      const t0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
      const t1 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
      const t2 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
      const t3 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5));
      v128.store(to + yRow, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7));
      v128.store(to + 2 * yRow, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5));
      v128.store(to + 3 * yRow, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7));
      from += 16;
      to += yRow << 2;
    }
    transposeOne(x, y, i, i + 4, bWhole, b, xRow, yRow);
  }
  transposeOne(x, y, aWhole, a, 0, b, xRow, yRow);
}

/** Rows `i` to `iEnd`, columns `j` to `jEnd`, one by one. */
function transposeOne(
  x: usize,
  y: usize,
  i: i32,
  iEnd: i32,
  jStart: i32,
  jEnd: i32,
  xRow: i32,
  yRow: i32,
): void {
  for (; i < iEnd; i++) {
    for (let j = jStart; j < jEnd; j++) {
      i32.store(y + j * yRow + (i << 2), i32.load(x + i * xRow + (j << 2)));
    }
  }
}
