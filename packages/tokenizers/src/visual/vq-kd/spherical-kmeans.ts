import { draw, ShapeError } from '@imglish/core';
import { normOf } from './codebook.js';

/** How one iteration ended. */
export interface SphericalIteration {
  /** From 0. */
  readonly iteration: number;
  /** Vectors of each code `[K]`, by the means before. */
  readonly counts: Int32Array;
  /** The means after `[K, C]`; not to be kept, they are changed by the next. */
  readonly means: Float32Array;
}

export interface SphericalMeans {
  /** Of norm 1 `[K, C]`. */
  readonly means: Float32Array;
  /** Vectors of each code in the last iteration `[K]`. */
  readonly counts: Int32Array;
}

/**
 * k-means of directions: vectors z `[M, C]` of norm 1, each given to the mean at the greatest cosine;
 * new mean = Σ z / ‖Σ z‖, and a mean that was given nothing stays (reference:
 * norm_ema_quantizer.py:24–59). `starts` `[K]` are the indices of the vectors to begin with.
 */
export function sphericalKMeans(
  z: Float32Array,
  codeDim: number,
  starts: ArrayLike<number>,
  iterations: number,
  onIteration: (progress: SphericalIteration) => void = () => {},
): SphericalMeans {
  const codes = starts.length;
  if (z.length === 0 || z.length % codeDim !== 0) {
    throw new ShapeError({
      code: 'shape/vectors',
      where: 'sphericalKMeans',
      expected: `vectors [M, ${codeDim}], at least one`,
      got: `${z.length} numbers`,
    });
  }
  const means = new Float32Array(codes * codeDim);
  for (let code = 0; code < codes; code++) {
    const at = starts[code]! * codeDim;
    means.set(z.subarray(at, at + codeDim), code * codeDim);
  }
  const counts = new Int32Array(codes);
  const sums = new Float64Array(codes * codeDim);
  for (let iteration = 0; iteration < iterations; iteration++) {
    counts.fill(0);
    sums.fill(0);
    for (let at = 0; at < z.length; at += codeDim) {
      const code = mostSimilar(z, at, means, codeDim);
      counts[code]!++;
      for (let d = 0; d < codeDim; d++) sums[code * codeDim + d]! += z[at + d]!;
    }
    for (let code = 0; code < codes; code++) {
      if (counts[code] === 0) continue;
      const norm = normOf(sums, code * codeDim, codeDim);
      for (let d = code * codeDim; d < (code + 1) * codeDim; d++) means[d] = sums[d]! / norm;
    }
    onIteration({ iteration, counts, means });
  }
  return { means, counts };
}

/** Vectors to begin with: different ones if there are enough, else drawn again and again. */
export function kMeansStarts(vectors: number, codes: number, seed: number): Uint32Array {
  const random = draw(seed, 'codebook start');
  if (vectors >= codes) return random.permutation(vectors).slice(0, codes);
  return Uint32Array.from({ length: codes }, () => random.integer(vectors));
}

function mostSimilar(z: Float32Array, at: number, means: Float32Array, codeDim: number): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let code = 0, row = 0; row < means.length; code++, row += codeDim) {
    let similarity = 0;
    for (let d = 0; d < codeDim; d++) similarity += z[at + d]! * means[row + d]!;
    if (similarity > most) {
      most = similarity;
      best = code;
    }
  }
  return best;
}
