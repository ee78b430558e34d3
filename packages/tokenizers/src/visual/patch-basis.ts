/**
 * An orthonormal change of basis for patches `[3 · p · p]`: luma and two chroma axes, and in each
 * the two-dimensional cosine transform (DCT-II), sorted from low to high frequency.
 *
 * It keeps all distances, and moves nearly all of the energy of a natural patch to the front. A
 * search for the nearest code, which adds up squared differences, can then give up on most codes
 * after a few terms.
 */
export class PatchBasis {
  /** Length of a patch. */
  readonly dims: number;
  /** cosines[u · p + x]: the value of wave u at x. */
  private readonly cosines: Float64Array;
  /** order[channel · p · p + u · p + v]: where that coefficient goes. */
  private readonly order: Int32Array;
  private readonly work: Float64Array;
  private readonly rows: Float64Array;

  constructor(private readonly patchSize: number) {
    const p = patchSize;
    this.dims = 3 * p * p;
    this.work = new Float64Array(this.dims);
    this.rows = new Float64Array(p * p);
    this.cosines = Float64Array.from({ length: p * p }, (_, i) => {
      const u = Math.floor(i / p);
      const scale = Math.sqrt((u === 0 ? 1 : 2) / p);
      return scale * Math.cos((Math.PI * u * (2 * (i % p) + 1)) / (2 * p));
    });
    const frequency = (i: number) => Math.floor((i % (p * p)) / p) + (i % p);
    const sorted = Array.from({ length: this.dims }, (_, i) => i).sort(
      (a, b) => frequency(a) - frequency(b) || a - b,
    );
    this.order = new Int32Array(this.dims);
    for (const [place, i] of sorted.entries()) this.order[i] = place;
  }

  /** Changes the basis of each patch in `patches` (`[n, dims]`) in place. */
  transform(patches: Float32Array): void {
    const { patchSize: p, dims, cosines, order, work, rows } = this;
    const area = p * p;
    for (let at = 0; at < patches.length; at += dims) {
      for (let i = 0; i < area; i++) {
        const r = patches[at + i]!;
        const g = patches[at + area + i]!;
        const b = patches[at + 2 * area + i]!;
        work[i] = (r + g + b) * Math.sqrt(1 / 3);
        work[area + i] = (r - b) * Math.sqrt(1 / 2);
        work[2 * area + i] = (r - 2 * g + b) * Math.sqrt(1 / 6);
      }
      for (let channel = 0; channel < dims; channel += area) {
        for (let y = 0; y < p; y++) {
          for (let v = 0; v < p; v++) {
            let sum = 0;
            for (let x = 0; x < p; x++) sum += work[channel + y * p + x]! * cosines[v * p + x]!;
            rows[y * p + v] = sum;
          }
        }
        for (let u = 0; u < p; u++) {
          for (let v = 0; v < p; v++) {
            let sum = 0;
            for (let y = 0; y < p; y++) sum += rows[y * p + v]! * cosines[u * p + y]!;
            patches[at + order[channel + u * p + v]!] = sum;
          }
        }
      }
    }
  }

  /** Undoes `transform`, in place. */
  inverse(patches: Float32Array): void {
    const { patchSize: p, dims, cosines, order, work, rows } = this;
    const area = p * p;
    for (let at = 0; at < patches.length; at += dims) {
      for (let channel = 0; channel < dims; channel += area) {
        for (let u = 0; u < p; u++) {
          for (let x = 0; x < p; x++) {
            let sum = 0;
            for (let v = 0; v < p; v++) {
              sum += patches[at + order[channel + u * p + v]!]! * cosines[v * p + x]!;
            }
            rows[u * p + x] = sum;
          }
        }
        for (let y = 0; y < p; y++) {
          for (let x = 0; x < p; x++) {
            let sum = 0;
            for (let u = 0; u < p; u++) sum += rows[u * p + x]! * cosines[u * p + y]!;
            work[channel + y * p + x] = sum;
          }
        }
      }
      for (let i = 0; i < area; i++) {
        const luma = work[i]! * Math.sqrt(1 / 3);
        const redBlue = work[area + i]! * Math.sqrt(1 / 2);
        const green = work[2 * area + i]! * Math.sqrt(1 / 6);
        patches[at + i] = luma + redBlue + green;
        patches[at + area + i] = luma - 2 * green;
        patches[at + 2 * area + i] = luma - redBlue + green;
      }
    }
  }
}
