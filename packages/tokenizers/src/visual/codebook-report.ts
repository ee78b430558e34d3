/** How well a codebook is used and how well it tells patches apart. */
export interface CodebookReport {
  /** Patches the figures are about. */
  patches: number;
  /** Uses of each code. */
  usage: Int32Array;
  /** Codes used at least once. */
  usedCodes: number;
  /** exp(entropy of the usage): as many equally frequent codes would carry as much. */
  perplexity: number;
  /** Mean squared difference between a value of a patch and of its code, normalised pixels. */
  meanSquaredError: number;
  /** 1 − error / variance of the patches: 0 for one code, 1 for a perfect copy. */
  explainedVariance: number;
}

/**
 * Sums up an assignment of patches (`[n, dims]`) to codes, given the squared distance of each patch
 * to its code.
 */
export function codebookReport(
  patches: Float32Array,
  dims: number,
  codes: number,
  assignment: Int32Array,
  distances: Float64Array,
): CodebookReport {
  const n = assignment.length;
  const usage = new Int32Array(codes);
  let error = 0;
  for (let i = 0; i < n; i++) {
    usage[assignment[i]!]!++;
    error += distances[i]!;
  }
  let entropy = 0;
  let usedCodes = 0;
  for (const count of usage) {
    if (count === 0) continue;
    usedCodes++;
    entropy -= (count / n) * Math.log(count / n);
  }
  const variance = totalVariance(patches, dims);
  return {
    patches: n,
    usage,
    usedCodes,
    perplexity: Math.exp(entropy),
    meanSquaredError: error / (n * dims),
    explainedVariance: variance === 0 ? 1 : 1 - error / variance,
  };
}

/** Σ over vectors and dimensions of (value − mean of its dimension)². */
function totalVariance(data: Float32Array, dims: number): number {
  const n = data.length / dims;
  let total = 0;
  for (let d = 0; d < dims; d++) {
    let sum = 0;
    let squares = 0;
    for (let i = d; i < data.length; i += dims) {
      sum += data[i]!;
      squares += data[i]! * data[i]!;
    }
    total += squares - (sum * sum) / n;
  }
  return total;
}
