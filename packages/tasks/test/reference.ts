import type { Parameters } from '@imglish/core';

/** The modules of the heads on one row of plain numbers, by the names of their parameters. */
export function referenceModules(parameters: Parameters): {
  norm(row: number[], name: string): number[];
  linear(row: number[], name: string): number[];
} {
  const values = (name: string) => [...parameters[name]!.dataSync()];
  return {
    norm(row, name) {
      const [gamma, beta] = [values(`${name}.weight`), values(`${name}.bias`)];
      const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
      const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
      return row.map((x, i) => ((x - mean) / Math.sqrt(variance + 1e-5)) * gamma[i]! + beta[i]!);
    },
    linear(row, name) {
      const [weight, bias] = [values(`${name}.weight`), values(`${name}.bias`)];
      return bias.map((b, o) =>
        row.reduce((sum, x, i) => sum + x * weight[o * row.length + i]!, b),
      );
    },
  };
}

/** x Φ(x), erf by its Maclaurin series. */
export function gelu(x: number): number {
  const z = x / Math.SQRT2;
  if (Math.abs(z) > 5) return Math.max(x, 0);
  let term = z;
  let erf = z;
  for (let n = 1; n < 120; n++) {
    term *= (-z * z) / n;
    erf += term / (2 * n + 1);
  }
  return 0.5 * x * (1 + (2 / Math.sqrt(Math.PI)) * erf);
}

/** Row `index` of sample `sample` of a sequence `[B, length, width]`. */
export function rowOf(
  sequence: ArrayLike<number>,
  { length, width }: { length: number; width: number },
  sample: number,
  index: number,
): number[] {
  const start = (sample * length + index) * width;
  return Array.from({ length: width }, (_, i) => sequence[start + i]!);
}
