import { ConfigError, draw } from '@imglish/core';

/** A codebook as it is learnt: no gradient reaches it. Both arrays are changed in place. */
export interface Codebook {
  /** Codes, K. */
  readonly codes: number;
  /** Size of a code, C. */
  readonly codeDim: number;
  /** Rows of norm 1 `[K, C]`. */
  readonly rows: Float32Array;
  /** Moving average of how many vectors of a batch each code is given `[K]`. */
  readonly clusterSize: Float32Array;
}

/** How many vectors each code was given `[K]`, and their sum `[K, C]`; add up over processes. */
export interface Assignment {
  readonly counts: Float32Array;
  readonly sums: Float32Array;
}

/** Sums up normalised vectors z `[M, C]` by their codes `[M]`. */
export function assignmentOf(
  z: Float32Array,
  codes: Int32Array,
  { codes: size, codeDim }: Pick<Codebook, 'codes' | 'codeDim'>,
): Assignment {
  const counts = new Float32Array(size);
  const sums = new Float32Array(size * codeDim);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    counts[code]!++;
    for (let d = 0; d < codeDim; d++) sums[code * codeDim + d]! += z[i * codeDim + d]!;
  }
  return { counts, sums };
}

/**
 * One step of the moving average (reference: norm_ema_quantizer.py:174–194), for every code that was
 * given anything, with mean = Σ z / ‖Σ z‖ of what it was given:
 *
 *   row ← normalise(decay · row + (1 − decay) · mean)
 *   clusterSize ← decay · clusterSize + (1 − decay) · count
 *
 * Codes that were given nothing keep their row.
 */
export function emaUpdate(
  codebook: Codebook,
  { counts, sums }: Assignment,
  { decay }: { decay: number },
): void {
  requireDecay('emaUpdate', decay);
  const { codeDim, rows } = codebook;
  countAssigned(codebook, counts, { decay });
  const row = new Float64Array(codeDim);
  for (let code = 0; code < codebook.codes; code++) {
    if (counts[code] === 0) continue;
    const at = code * codeDim;
    const norm = normOf(sums, at, codeDim);
    for (let d = 0; d < codeDim; d++) {
      row[d] = decay * rows[at + d]! + ((1 - decay) * sums[at + d]!) / norm;
    }
    const length = normOf(row, 0, codeDim);
    for (let d = 0; d < codeDim; d++) rows[at + d] = row[d]! / length;
  }
}

/**
 * `emaUpdate` without its rows: what evaluation does. With `decay` 0.99 and sizes that began at 0, a
 * code is unused exactly if its size is 0 still.
 */
export function countAssigned(
  { clusterSize }: Pick<Codebook, 'clusterSize'>,
  counts: Float32Array,
  { decay }: { decay: number },
): void {
  requireDecay('countAssigned', decay);
  for (let code = 0; code < clusterSize.length; code++) {
    clusterSize[code] = decay * clusterSize[code]! + (1 - decay) * counts[code]!;
  }
}

/** How well a codebook is used. */
export interface CodebookUsage {
  readonly codes: number;
  /** Codes with any use. */
  readonly used: number;
  /** exp(entropy of the usage): as many equally frequent codes would carry as much. */
  readonly perplexity: number;
  /** The codes without any. */
  readonly dead: readonly number[];
}

/** Sums up how often each code is used: counts, or a moving average of them `[K]`. */
export function codebookUsage(counts: ArrayLike<number>): CodebookUsage {
  const dead: number[] = [];
  let total = 0;
  for (let code = 0; code < counts.length; code++) total += counts[code]!;
  let entropy = 0;
  for (let code = 0; code < counts.length; code++) {
    const share = counts[code]! / total;
    if (share > 0) entropy -= share * Math.log(share);
    else dead.push(code);
  }
  const codes = counts.length;
  return { codes, used: codes - dead.length, perplexity: Math.exp(entropy), dead };
}

/**
 * Gives each of `dead` the direction of a vector drawn from z `[M, C]` (each vector at most once while
 * there are enough), so that it is near something and can be chosen again.
 */
export function reviveCodes(
  { codeDim, rows }: Pick<Codebook, 'codeDim' | 'rows'>,
  dead: readonly number[],
  z: Float32Array,
  { seed, step }: { seed: number; step: number },
): void {
  const order = draw(seed, 'revive codes', step).permutation(z.length / codeDim);
  for (const [i, code] of dead.entries()) {
    const at = order[i % order.length]! * codeDim;
    rows.set(z.subarray(at, at + codeDim), code * codeDim);
  }
}

function requireDecay(where: string, decay: number): void {
  if (decay >= 0 && decay <= 1) return;
  throw new ConfigError({
    code: 'config/invalid-value',
    where,
    expected: 'a decay from 0 to 1',
    got: String(decay),
  });
}

/** ‖row‖, at least 1e-12 so that it divides. */
export function normOf(values: ArrayLike<number>, at: number, length: number): number {
  let squares = 0;
  for (let d = at; d < at + length; d++) squares += values[d]! * values[d]!;
  return Math.max(Math.sqrt(squares), 1e-12);
}
