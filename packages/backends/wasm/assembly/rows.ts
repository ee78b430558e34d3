/** to [size] += from [size]. */
function addRow(to: usize, from: usize, size: i32): void {
  const whole = (size & ~3) << 2;
  for (let o = 0; o < whole; o += 16) {
    v128.store(to + o, f32x4.add(v128.load(to + o), v128.load(from + o)));
  }
  for (let o = whole; o < size << 2; o += 4)
    f32.store(to + o, f32.load(to + o) + f32.load(from + o));
}

/** sums [size] = Σ over the rows of x [rows, size]. */
export function columnSums(x: usize, sums: usize, rows: i32, size: i32): void {
  memory.fill(sums, 0, size << 2);
  for (let i = 0; i < rows; i++) addRow(sums, x + ((i * size) << 2), size);
}

/** out [rows, size] = 0, then out[indices[i]] += values[i] in order; an index outside is left out. */
export function scatterAdd(
  values: usize,
  indices: usize,
  out: usize,
  count: i32,
  rows: i32,
  size: i32,
): void {
  memory.fill(out, 0, (<usize>rows * size) << 2);
  for (let i = 0; i < count; i++) {
    const row = i32.load(indices + (i << 2));
    if (row < 0 || row >= rows) continue;
    addRow(out + ((<usize>row * size) << 2), values + ((<usize>i * size) << 2), size);
  }
}
