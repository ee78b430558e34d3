/**
 * Σ over ranks of `length` elements each, which lie one after the other in `pieces`, into `sum`:
 * ((rank 0 + rank 1) + rank 2) + …, each sum rounded to the precision of the array.
 */
export function sumInRankOrder<T extends Float32Array | Float64Array>(
  pieces: T,
  ranks: number,
  length: number,
  sum: T,
): void {
  sum.set(pieces.subarray(0, length));
  for (let rank = 1; rank < ranks; rank++) {
    const values = pieces.subarray(rank * length, (rank + 1) * length);
    for (let i = 0; i < length; i++) sum[i]! += values[i]!;
  }
}
