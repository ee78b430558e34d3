import { gemm } from './gemm';
import { softmaxGrad, softmaxRow } from './softmax';

/**
 * probs = softmax(scale · q kᵀ + bias), out = probs v, for `groups` = batch · heads products:
 * q [groups, n, d], k and v [groups, m, d]. `bias` (0: none) is addressed by strides in elements,
 * 0 where it is shared.
 */
export function attention(
  q: usize,
  k: usize,
  v: usize,
  bias: usize,
  out: usize,
  probs: usize,
  batch: i32,
  heads: i32,
  n: i32,
  m: i32,
  d: i32,
  scale: f32,
  biasBatch: i32,
  biasHead: i32,
  biasRow: i32,
  work: usize,
): void {
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      gemm(n, m, d, q, d, 1, k, 1, d, probs, scale, 0, work);
      const offset = b * biasBatch + h * biasHead;
      for (let i = 0; i < n; i++) {
        const row: usize = bias === 0 ? 0 : bias + ((offset + i * biasRow) << 2);
        softmaxRow(probs + ((i * m) << 2), row, m);
      }
      gemm(n, d, m, probs, m, 1, v, d, 1, out, 1, 0, work);
      q += (n * d) << 2;
      k += (m * d) << 2;
      v += (m * d) << 2;
      out += (n * d) << 2;
      probs += (n * m) << 2;
    }
  }
}

/**
 * dv = probsᵀ dout; ds = scale · probs · (dp − Σ probs dp) with dp = dout vᵀ; dq = ds k; dk = dsᵀ q.
 * `scores` is room for n · m values.
 */
export function attentionGrad(
  dout: usize,
  q: usize,
  k: usize,
  v: usize,
  probs: usize,
  dq: usize,
  dk: usize,
  dv: usize,
  groups: i32,
  n: i32,
  m: i32,
  d: i32,
  scale: f32,
  scores: usize,
  work: usize,
): void {
  for (let g = 0; g < groups; g++) {
    gemm(m, d, n, probs, 1, m, dout, d, 1, dv, 1, 0, work);
    gemm(n, m, d, dout, d, 1, v, 1, d, scores, 1, 0, work);
    softmaxGrad(probs, scores, n, m, scale);
    gemm(n, d, m, scores, m, 1, k, d, 1, dq, 1, 0, work);
    gemm(m, d, n, scores, 1, m, q, d, 1, dk, 1, 0, work);
    q += (n * d) << 2;
    dout += (n * d) << 2;
    dq += (n * d) << 2;
    k += (m * d) << 2;
    v += (m * d) << 2;
    dk += (m * d) << 2;
    dv += (m * d) << 2;
    probs += (n * m) << 2;
  }
}
