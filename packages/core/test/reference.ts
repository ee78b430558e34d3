/** The formulas of the ops on rows of plain numbers, in float64, each written down once more. */

/** Row-major `[M, N]` as M rows. */
export function rowsOf(values: readonly number[], width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, row) =>
    values.slice(row * width, (row + 1) * width),
  );
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, x, i) => total + x * b[i]!, 0);
}

export function total(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0);
}

export function logSumExpOf(row: readonly number[]): number {
  const top = Math.max(...row);
  return top + Math.log(total(row.map((x) => Math.exp(x - top))));
}

export function softmaxOf(row: readonly number[]): number[] {
  const lse = logSumExpOf(row);
  return row.map((x) => Math.exp(x - lse));
}

export function layerNormOf(
  row: readonly number[],
  gamma: readonly number[],
  beta: readonly number[],
  epsilon: number,
): number[] {
  const mean = total(row) / row.length;
  const variance = total(row.map((x) => (x - mean) ** 2)) / row.length;
  return row.map((x, i) => ((x - mean) / Math.sqrt(variance + epsilon)) * gamma[i]! + beta[i]!);
}

/** erf by its Maclaurin series; exact to float64's rounding for |x| up to about 4. */
export function erfOf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export function geluOf(x: number): number {
  return 0.5 * x * (1 + erfOf(x / Math.SQRT2));
}

/** q, k, v: `[N, d]`, `[M, d]`, `[M, d]` rows; added: `[N, M]` rows. */
export function attentionOf(
  q: number[][],
  k: number[][],
  v: number[][],
  scale: number,
  added: number[][],
): number[][] {
  return q.map((query, n) => {
    const probs = softmaxOf(k.map((key, m) => scale * dot(query, key) + added[n]![m]!));
    return v[0]!.map((_, column) =>
      dot(
        probs,
        v.map((row) => row[column]!),
      ),
    );
  });
}
