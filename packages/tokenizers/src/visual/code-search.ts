/** Terms added between two looks at whether a code has lost. */
const STEP = 8;

/**
 * Finds nearest codes, exactly. Codes are sorted by their first coefficient and tried outwards from
 * that of the vector, until the first coefficient alone is too far off on both sides (Guan and
 * Kamel, "Equal-average hyperplane partitioning method for vector quantization", 1992); each is
 * dropped as soon as its sum exceeds the best (Bei and Gray, "An improvement of the minimum
 * distortion encoding algorithm", 1985). Both pay off in the basis of `PatchBasis`.
 */
export class CodeSearch {
  private readonly order: Int32Array;
  private readonly place: Int32Array;
  private readonly sorted: Float32Array;
  private readonly first: Float32Array;
  /** Squared distance of the code that `nearest` gave last. */
  distance = 0;

  /** `codebook`: `[codes, dims]`; it is copied. */
  constructor(
    codebook: Float32Array,
    private readonly dims: number,
  ) {
    const codes = codebook.length / dims;
    const order = Array.from({ length: codes }, (_, code) => code);
    order.sort((a, b) => codebook[a * dims]! - codebook[b * dims]! || a - b);
    this.order = Int32Array.from(order);
    this.place = new Int32Array(codes);
    this.sorted = new Float32Array(codebook.length);
    this.first = new Float32Array(codes);
    for (const [place, code] of order.entries()) {
      this.place[code] = place;
      this.sorted.set(codebook.subarray(code * dims, (code + 1) * dims), place * dims);
      this.first[place] = codebook[code * dims]!;
    }
  }

  /**
   * The code nearest to the vector at `at` of `data`; of equally near ones the first. `guess`, a code
   * that is probably near, only makes it faster.
   */
  nearest(data: Float32Array, at: number, guess: number): number {
    const { dims, sorted, first, order } = this;
    const codes = order.length;
    const value = data[at]!;
    let best = this.place[guess]!;
    let least = squaredDistance(data, at, sorted, best * dims, dims, Number.POSITIVE_INFINITY);
    let above = this.placeOf(value);
    let below = above - 1;
    while (above < codes || below >= 0) {
      const up = above < codes ? first[above]! - value : Number.POSITIVE_INFINITY;
      const down = below >= 0 ? value - first[below]! : Number.POSITIVE_INFINITY;
      const gap = Math.min(up, down);
      if (gap * gap > least) break;
      const place = up <= down ? above++ : below--;
      const distance = squaredDistance(data, at, sorted, place * dims, dims, least);
      if (distance < least || (distance === least && order[place]! < order[best]!)) {
        least = distance;
        best = place;
      }
    }
    this.distance = least;
    return order[best]!;
  }

  /** How many codes have a smaller first coefficient. */
  private placeOf(value: number): number {
    let low = 0;
    let high = this.first.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.first[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Σ (a − b)², or some part of it that exceeds `limit`. */
export function squaredDistance(
  a: Float32Array,
  aAt: number,
  b: Float32Array,
  bAt: number,
  dims: number,
  limit: number,
): number {
  let sum = 0;
  let i = 0;
  while (i < dims) {
    const end = Math.min(i + STEP, dims);
    for (; i < end; i++) {
      const difference = a[aAt + i]! - b[bAt + i]!;
      sum += difference * difference;
    }
    if (sum > limit) return sum;
  }
  return sum;
}
