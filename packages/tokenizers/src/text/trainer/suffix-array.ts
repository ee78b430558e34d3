/**
 * Orders all suffixes of `codes` by their first `depth` codes or more; suffixes that agree so far keep
 * the order of their starts.
 *
 * Prefix doubling with a counting sort in every round (Manber and Myers, "Suffix arrays", 1990),
 * O(n log depth): enough for substrings of bounded length, and free of comparisons.
 */
export function suffixArray(codes: Int32Array, depth: number): Int32Array {
  const n = codes.length;
  let largest = 0;
  for (const code of codes) largest = Math.max(largest, code);
  const counts = new Int32Array(Math.max(largest + 1, n) + 1);
  const order = new Int32Array(n);
  const next = new Int32Array(n);
  let rank = new Int32Array(n);
  let nextRank = new Int32Array(n);

  for (let i = 0; i < n; i++) {
    rank[i] = codes[i]!;
    next[i] = i;
  }
  countingSort(next, rank, counts, order);
  let classes = relabel(order, rank, 0, nextRank);
  [rank, nextRank] = [nextRank, rank];
  for (let half = 1; half < depth && classes < n; half *= 2) {
    // Suffixes in the order of what follows their first `half` codes: the end of the text comes first.
    let filled = 0;
    for (let i = Math.max(0, n - half); i < n; i++) next[filled++] = i;
    for (let i = 0; i < n; i++) if (order[i]! >= half) next[filled++] = order[i]! - half;
    countingSort(next, rank, counts, order);
    classes = relabel(order, rank, half, nextRank);
    [rank, nextRank] = [nextRank, rank];
  }
  return order;
}

/** Stable: `from` in the order of `keys`, into `to`. */
function countingSort(
  from: Int32Array,
  keys: Int32Array,
  counts: Int32Array,
  to: Int32Array,
): void {
  counts.fill(0);
  for (let i = 0; i < keys.length; i++) counts[keys[i]! + 1]!++;
  for (let i = 1; i < counts.length; i++) counts[i]! += counts[i - 1]!;
  for (let i = 0; i < from.length; i++) {
    const suffix = from[i]!;
    to[counts[keys[suffix]!]!++] = suffix;
  }
}

/** Numbers the classes of suffixes with equal keys here and `half` further on; their number. */
function relabel(order: Int32Array, rank: Int32Array, half: number, into: Int32Array): number {
  const n = order.length;
  let label = 0;
  for (let i = 0; i < n; i++) {
    if (i > 0) {
      const a = order[i - 1]!;
      const b = order[i]!;
      const restA = a + half < n ? rank[a + half]! : -1;
      const restB = b + half < n ? rank[b + half]! : -1;
      if (rank[a] !== rank[b] || restA !== restB) label++;
    }
    into[order[i]!] = label;
  }
  return n === 0 ? 0 : label + 1;
}
