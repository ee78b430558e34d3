import type { Lattice } from './lattice.js';
import type { Candidates } from './seed.js';

/** Candidates that are expected less often than this are struck out. */
const LEAST_EXPECTED = 0.5;

/** One round of expectation-maximisation: the candidates left, and how well they fit. */
export interface EmStep {
  readonly candidates: Candidates;
  readonly objective: number;
  readonly tokens: number;
}

/**
 * One EM step; the lattice is renumbered to the candidates left.
 *
 * M step with a sparse prior (Liang et al., "The infinite PCFG using hierarchical Dirichlet
 * processes", 2007): `score = ψ(expected) - ψ(Σ expected)` in place of logarithms, which costs rare
 * candidates more.
 */
export function emStep(lattice: Lattice, candidates: Candidates): EmStep {
  const { expected, objective, tokens } = lattice.expectations(candidates.scores);
  const kept: number[] = [];
  let total = 0;
  for (let id = 0; id < expected.length; id++) {
    if (expected[id]! < LEAST_EXPECTED) continue;
    kept.push(id);
    total += expected[id]!;
  }
  const offset = digamma(total);
  const left = keep(lattice, candidates, kept);
  for (const [id, old] of kept.entries()) left.scores[id] = digamma(expected[old]!) - offset;
  return { candidates: left, objective, tokens };
}

/** The candidates with these ids, in this order; the lattice follows. */
export function keep(
  lattice: Lattice,
  candidates: Candidates,
  kept: readonly number[],
): Candidates {
  const newId = new Int32Array(candidates.scores.length).fill(-1);
  for (const [id, old] of kept.entries()) newId[old] = id;
  lattice.renumber(newId);
  return {
    starts: Int32Array.from(kept, (id) => candidates.starts[id]!),
    lengths: Int32Array.from(kept, (id) => candidates.lengths[id]!),
    scores: Float64Array.from(kept, (id) => candidates.scores[id]!),
  };
}

/**
 * ψ(x) for x > 0: the recurrence ψ(x) = ψ(x + 1) - 1/x up to x ≥ 6, then the asymptotic series
 * ln x - 1/(2x) - Σ B₂ₖ / (2k x²ᵏ) (Abramowitz and Stegun 6.3.5, 6.3.18).
 */
export function digamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 6; at++) shift -= 1 / at;
  const square = 1 / (at * at);
  const series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)));
  return shift + Math.log(at) - 0.5 / at - series;
}
