import { draw } from '@imglish/core';
import { CodeSearch, squaredDistance } from './code-search.js';

export interface KMeansOptions {
  codes: number;
  /** Most Lloyd iterations; it ends earlier once no vector changes its code. */
  iterations: number;
  seed: number;
  /** How the first codes are chosen. */
  start: 'k-means++' | 'random';
}

/** How far an iteration came. */
export interface KMeansProgress {
  /** From 1. */
  iteration: number;
  /** Mean squared distance to the nearest code, after the codes moved. */
  distance: number;
  /** Vectors whose code changed. */
  changed: number;
  /** Codes nobody used, moved to the vectors that were served worst. */
  reseeded: number;
}

export interface KMeansResult {
  /** `[codes, dims]`. */
  readonly centers: Float32Array;
  /** Per vector. */
  readonly assignment: Int32Array;
  /** Squared distance per vector. */
  readonly distances: Float64Array;
  readonly iterations: number;
  readonly converged: boolean;
}

/**
 * k-means by Lloyd's iterations over vectors `data` (`[n, dims]`); the same seed gives the same
 * result. Ends with an assignment to the centres it returns.
 *
 * `k-means++` draws each further start in proportion to the squared distance to those drawn (Arthur
 * and Vassilvitskii, 2007), `random` draws vectors. A code that no vector uses moves to the vector
 * with the largest distance, each to another one.
 */
export async function kMeans(
  data: Float32Array,
  dims: number,
  options: KMeansOptions,
  onProgress: (progress: KMeansProgress) => void | Promise<void> = () => {},
): Promise<KMeansResult> {
  const { codes, iterations } = options;
  const n = data.length / dims;
  const assignment = new Int32Array(n);
  const distances = new Float64Array(n);
  const centers = new Float32Array(codes * dims);
  if (options.start === 'random') startAtRandom(data, dims, options.seed, centers);
  else startFarApart(data, dims, options.seed, centers, assignment);

  let done = 0;
  let changed = assign(data, dims, centers, assignment, distances);
  do {
    const reseeded = moveCenters(data, dims, centers, assignment, distances);
    changed = assign(data, dims, centers, assignment, distances);
    await onProgress({ iteration: ++done, distance: mean(distances), changed, reseeded });
  } while (changed > 0 && done < iterations);
  return { centers, assignment, distances, iterations: done, converged: changed === 0 };
}

function startAtRandom(
  data: Float32Array,
  dims: number,
  seed: number,
  centers: Float32Array,
): void {
  const order = draw(seed, 'k-means start').permutation(data.length / dims);
  for (let code = 0; code < centers.length / dims; code++) {
    copy(data, order[code % order.length]! * dims, centers, code * dims, dims);
  }
}

function startFarApart(
  data: Float32Array,
  dims: number,
  seed: number,
  centers: Float32Array,
  assignment: Int32Array,
): void {
  const random = draw(seed, 'k-means start');
  const n = data.length / dims;
  const codes = centers.length / dims;
  const distances = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  let chosen = random.integer(n);
  for (let code = 0; code < codes; code++) {
    copy(data, chosen * dims, centers, code * dims, dims);
    let total = 0;
    for (let i = 0; i < n; i++) {
      const limit = distances[i]!;
      const distance = squaredDistance(data, i * dims, centers, code * dims, dims, limit);
      if (distance < limit) {
        distances[i] = distance;
        assignment[i] = code;
      }
      total += distances[i]!;
    }
    // With nothing left to tell apart, any vector will do.
    let rest = random.uniform() * total;
    chosen = random.integer(n);
    for (let i = 0; i < n && total > 0; i++) {
      rest -= distances[i]!;
      if (distances[i]! > 0) chosen = i;
      if (rest < 0) break;
    }
  }
}

/** Gives every vector its nearest code; the number that changed. */
function assign(
  data: Float32Array,
  dims: number,
  centers: Float32Array,
  assignment: Int32Array,
  distances: Float64Array,
): number {
  const search = new CodeSearch(centers, dims);
  let changed = 0;
  for (let i = 0; i < assignment.length; i++) {
    const code = search.nearest(data, i * dims, assignment[i]!);
    if (code !== assignment[i]) changed++;
    assignment[i] = code;
    distances[i] = search.distance;
  }
  return changed;
}

/** Moves every code to the mean of its vectors; the number of codes that had none. */
function moveCenters(
  data: Float32Array,
  dims: number,
  centers: Float32Array,
  assignment: Int32Array,
  distances: Float64Array,
): number {
  const codes = centers.length / dims;
  const sums = new Float64Array(centers.length);
  const counts = new Int32Array(codes);
  for (let i = 0; i < assignment.length; i++) {
    const code = assignment[i]!;
    counts[code]!++;
    for (let d = 0; d < dims; d++) sums[code * dims + d]! += data[i * dims + d]!;
  }
  const unused: number[] = [];
  for (let code = 0; code < codes; code++) {
    if (counts[code] === 0) unused.push(code);
    for (let d = 0; d < dims && counts[code]! > 0; d++) {
      centers[code * dims + d] = sums[code * dims + d]! / counts[code]!;
    }
  }
  const worst = farthest(distances, unused.length);
  for (const [i, vector] of worst.entries()) {
    copy(data, vector * dims, centers, unused[i]! * dims, dims);
  }
  return worst.length;
}

/** The up to `count` vectors with the largest distances above 0. */
function farthest(distances: Float64Array, count: number): number[] {
  if (count === 0) return [];
  const order = Array.from(distances.keys()).filter((i) => distances[i]! > 0);
  return order.sort((a, b) => distances[b]! - distances[a]! || a - b).slice(0, count);
}

function copy(
  from: Float32Array,
  fromAt: number,
  to: Float32Array,
  toAt: number,
  length: number,
): void {
  to.set(from.subarray(fromAt, fromAt + length), toAt);
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
