import { madd } from './math';

// C = α · A B + bias, all float32, A [M, K] and B [K, N] with any strides.
//
// A and B are packed into panels (4 rows of A, 8 columns of B, padded with zeros), so a transposed
// operand costs the same as a straight one; the inner loop keeps a 4 × 8 tile of C in registers.

const MR: i32 = 4;
const NR: i32 = 8;
/** Sizes of the blocks: a panel of B stays in the first cache level, a block of A in the second. */
const KC: i32 = 256;
const MC: i32 = 128;
const NC: i32 = 1024;

/** Bytes that `gemm` needs at `work`. */
export function gemmWork(m: i32, n: i32, k: i32): i32 {
  const kc = min(k, KC);
  const mc = min((m + 3) & ~3, MC);
  const nc = min((n + 7) & ~7, NC);
  return (kc * (mc + nc) + (MR + 1) * NR) << 2;
}

/** Panel by panel, row p of a panel holds A[i .. i+3, p]. Strides are in bytes. */
function packA(to: usize, a: usize, mc: i32, kc: i32, aRow: i32, aCol: i32): void {
  for (let i = 0; i < mc; i += MR) {
    const rows = mc - i;
    let from = a + i * aRow;
    if (rows >= MR) {
      if (aRow === 4) {
        for (let p = 0; p < kc; p++) {
          v128.store(to, v128.load(from));
          to += 16;
          from += aCol;
        }
      } else {
        const r1 = aRow,
          r2 = 2 * aRow,
          r3 = 3 * aRow;
        let p = 0;
        if (aCol === 4) {
          for (; p + 4 <= kc; p += 4) {
            const x0 = v128.load(from);
            const x1 = v128.load(from + r1);
            const x2 = v128.load(from + r2);
            const x3 = v128.load(from + r3);
            const t0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
            const t1 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
            const t2 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
            const t3 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
            v128.store(to, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5));
            v128.store(to, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7), 16);
            v128.store(to, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5), 32);
            v128.store(to, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7), 48);
            to += 64;
            from += 16;
          }
        }
        for (; p < kc; p++) {
          f32.store(to, f32.load(from));
          f32.store(to, f32.load(from + r1), 4);
          f32.store(to, f32.load(from + r2), 8);
          f32.store(to, f32.load(from + r3), 12);
          to += 16;
          from += aCol;
        }
      }
    } else {
      for (let p = 0; p < kc; p++) {
        for (let r = 0; r < MR; r++) {
          f32.store(to + (r << 2), r < rows ? f32.load(from + r * aRow) : 0);
        }
        to += 16;
        from += aCol;
      }
    }
  }
}

/** Panel by panel, row p of a panel holds B[p, j .. j+7]. Strides are in bytes. */
function packB(to: usize, b: usize, kc: i32, nc: i32, bRow: i32, bCol: i32): void {
  for (let j = 0; j < nc; j += NR) {
    const columns = nc - j;
    let from = b + j * bCol;
    if (columns >= NR && bCol === 4) {
      for (let p = 0; p < kc; p++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        to += 32;
        from += bRow;
      }
    } else if (columns >= NR && bRow === 4) {
      const half = 4 * bCol;
      let p = 0;
      for (; p + 4 <= kc; p += 4) {
        packColumns(to, from, bCol);
        packColumns(to + 16, from + half, bCol);
        to += 128;
        from += 16;
      }
      for (; p < kc; p++) {
        for (let c = 0; c < NR; c++) f32.store(to + (c << 2), f32.load(from + c * bCol));
        to += 32;
        from += 4;
      }
    } else {
      for (let p = 0; p < kc; p++) {
        for (let c = 0; c < NR; c++) {
          f32.store(to + (c << 2), c < columns ? f32.load(from + c * bCol) : 0);
        }
        to += 32;
        from += bRow;
      }
    }
  }
}

/** Transposes a 4 × 4 block: four columns of B into half a panel of rows that are 32 bytes long. */
function packColumns(to: usize, from: usize, bCol: i32): void {
  const x0 = v128.load(from);
  const x1 = v128.load(from + bCol);
  const x2 = v128.load(from + 2 * bCol);
  const x3 = v128.load(from + 3 * bCol);
  const t0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
  const t1 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const t2 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
  const t3 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7), 32);
  v128.store(to, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5), 64);
  v128.store(to, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7), 96);
}

/**
 * c [4, 8] = α · (panel of A)(panel of B) + from [4, 8]. `cRow` and `fromRow` are in bytes: `from` may be c
 * itself, or one row for all.
 */
function tile(
  kc: i32,
  a: usize,
  b: usize,
  c: usize,
  cRow: i32,
  from: usize,
  fromRow: i32,
  alpha: v128,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  const end = a + (kc << 4);
  // Not unrolled: V8 puts all loads of a block first, and more of them than this do not fit its registers.
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    const a1 = v128.load32_splat(a, 4);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    const a2 = v128.load32_splat(a, 8);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    const a3 = v128.load32_splat(a, 12);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    a += 16;
    b += 32;
  }
  storeRow(c, c00, c01, from, alpha);
  storeRow(c + cRow, c10, c11, from + fromRow, alpha);
  storeRow(c + 2 * cRow, c20, c21, from + 2 * fromRow, alpha);
  storeRow(c + 3 * cRow, c30, c31, from + 3 * fromRow, alpha);
}

function storeRow(c: usize, x0: v128, x1: v128, from: usize, alpha: v128): void {
  v128.store(c, madd(x0, alpha, v128.load(from)));
  v128.store(c, madd(x1, alpha, v128.load(from, 16)), 16);
}

/** C [m, n] (dense) = α · A B + bias [n] (0: none). Strides of A and B in elements. */
export function gemm(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aRow: i32,
  aCol: i32,
  b: usize,
  bRow: i32,
  bCol: i32,
  c: usize,
  alpha: f32,
  bias: usize,
  work: usize,
): void {
  aRow <<= 2;
  aCol <<= 2;
  bRow <<= 2;
  bCol <<= 2;
  const cRow = n << 2;
  const scale = f32x4.splat(alpha);
  const zeros = work;
  const edge = zeros + (NR << 2);
  const panelsB = edge + ((MR * NR) << 2);
  const panelsA = panelsB + ((min(k, KC) * min((n + 7) & ~7, NC)) << 2);
  memory.fill(zeros, 0, NR << 2);
  if (k === 0) fillRows(c, m, n, bias);
  for (let jc = 0; jc < n; jc += NC) {
    const nc = min(n - jc, NC);
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(k - pc, KC);
      packB(panelsB, b + pc * bRow + jc * bCol, kc, nc, bRow, bCol);
      for (let ic = 0; ic < m; ic += MC) {
        const mc = min(m - ic, MC);
        packA(panelsA, a + ic * aRow + pc * aCol, mc, kc, aRow, aCol);
        for (let j = 0; j < nc; j += NR) {
          const panelB = panelsB + ((j * kc) << 2);
          const columns = min(nc - j, NR);
          for (let i = 0; i < mc; i += MR) {
            const panelA = panelsA + ((i * kc) << 2);
            const to = c + (ic + i) * cRow + ((jc + j) << 2);
            const rows = min(mc - i, MR);
            // What the product is added to: the blocks of K before this one, the bias, or nothing.
            let from = to;
            let fromRow = cRow;
            if (pc === 0) {
              from = bias === 0 ? zeros : bias + ((jc + j) << 2);
              fromRow = 0;
            }
            if (rows === MR && columns === NR) {
              tile(kc, panelA, panelB, to, cRow, from, fromRow, scale);
            } else {
              tile(kc, panelA, panelB, edge, NR << 2, zeros, 0, scale);
              addTile(to, cRow, edge, from, fromRow, rows, columns);
            }
          }
        }
      }
    }
  }
}

/** The part of a tile that lies inside C: c = tile + from. */
function addTile(
  c: usize,
  cRow: i32,
  tile: usize,
  from: usize,
  fromRow: i32,
  rows: i32,
  columns: i32,
): void {
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < columns << 2; o += 4) {
      const value = f32.load(tile + ((r * NR) << 2) + o) + f32.load(from + r * fromRow + o);
      f32.store(c + r * cRow + o, value);
    }
  }
}

function fillRows(c: usize, m: i32, n: i32, bias: usize): void {
  for (let i = 0; i < m; i++) {
    const row = c + ((i * n) << 2);
    if (bias === 0) memory.fill(row, 0, n << 2);
    else memory.copy(row, bias, n << 2);
  }
}
