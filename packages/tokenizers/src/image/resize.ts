import { ConfigError, type RgbImage } from '@imglish/core';
import { fail } from './image-error.js';
import { checkImage } from './rgb-image.js';

/** How a resized pixel is made of the old ones. */
export type Resample = 'bicubic' | 'bilinear' | 'nearest';

/** A filter's weight at distance `x`, and the distance from which it is 0. */
interface Kernel {
  readonly support: number;
  weight(x: number): number;
}

const KERNELS: Readonly<Record<Exclude<Resample, 'nearest'>, Kernel>> = {
  // Keys' cubic convolution with a = −1/2.
  bicubic: {
    support: 2,
    weight(x: number): number {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
    },
  },
  bilinear: {
    support: 1,
    weight: (x: number): number => Math.max(0, 1 - Math.abs(x)),
  },
};

/** The most pixels of a side or of a result, so that a slip of a unit does not take all memory. */
const MAX_PIXELS = 2 ** 28;
const PRECISION_BITS = 22;

/**
 * Resizes an image to the bit as `Image.resize` of Pillow 9 does, the version of the reference.
 *
 * `bicubic` (a = −1/2) and `bilinear` widen the filter by the scale when shrinking (antialiasing):
 * a pixel is Σ w((i + 1/2 − centre) / scale) · v[i] / Σ w, with weights rounded to 22 fractional
 * bits, rows first, then columns, each pass rounded to a byte. (Pillow 13 does the columns first for
 * some sizes, which rounds otherwise.) `nearest` takes the pixel under the centre. The aspect ratio
 * is the caller's. Errors: `ImageError` `image/invalid`.
 */
export function resize(
  image: RgbImage,
  width: number,
  height: number,
  resample: Resample = 'bicubic',
): RgbImage {
  const where = 'resize';
  checkImage(where, image);
  const valid = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!valid || width * height > MAX_PIXELS) {
    fail('invalid', {
      where,
      expected: `a width and height from 1, at most ${MAX_PIXELS} pixels`,
      got: `${width} × ${height}`,
    });
  }
  if (resample === 'nearest') return resizeNearest(image, width, height);
  const kernel = KERNELS[resample];
  if (!kernel) {
    throw new ConfigError({
      code: 'config/invalid-value',
      where,
      expected: 'bicubic, bilinear or nearest',
      got: String(resample),
    });
  }
  const wide = width === image.width ? image : resizeRows(image, width, kernel);
  const result = height === image.height ? wide : resizeColumns(wide, height, kernel);
  return result === image ? { ...image, data: image.data.slice() } : result;
}

/** For each output position: the first input position, how many follow, and their weights. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `[size, most]`, fixed point. */
  readonly weights: Int32Array;
  readonly most: number;
}

function taps(from: number, to: number, kernel: Kernel): Taps {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = kernel.support * stretch;
  const most = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * most);
  const exact = new Float64Array(most);
  for (let x = 0; x < to; x++) {
    const centre = (x + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const n = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      exact[i] = kernel.weight((i + start - centre + 0.5) * (1 / stretch));
      sum += exact[i]!;
    }
    for (let i = 0; i < n; i++) {
      const weight = (exact[i]! / sum) * 2 ** PRECISION_BITS;
      weights[x * most + i] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[x] = start;
    count[x] = n;
  }
  return { first, count, weights, most };
}

function resizeRows({ width, height, data }: RgbImage, to: number, kernel: Kernel): RgbImage {
  const { first, count, weights, most } = taps(width, to, kernel);
  const out = new Uint8ClampedArray(3 * to * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      const n = count[x]!;
      let from = 3 * (y * width + first[x]!);
      let red = 1 << (PRECISION_BITS - 1);
      let green = red;
      let blue = red;
      for (let i = 0; i < n; i++, from += 3) {
        const weight = weights[x * most + i]!;
        red += data[from]! * weight;
        green += data[from + 1]! * weight;
        blue += data[from + 2]! * weight;
      }
      const at = 3 * (y * to + x);
      out[at] = red >> PRECISION_BITS;
      out[at + 1] = green >> PRECISION_BITS;
      out[at + 2] = blue >> PRECISION_BITS;
    }
  }
  return { width: to, height, data: new Uint8Array(out.buffer) };
}

function resizeColumns({ width, height, data }: RgbImage, to: number, kernel: Kernel): RgbImage {
  const { first, count, weights, most } = taps(height, to, kernel);
  const n = 3 * width;
  const out = new Uint8ClampedArray(n * to);
  const sums = new Int32Array(n);
  for (let y = 0; y < to; y++) {
    sums.fill(1 << (PRECISION_BITS - 1));
    for (let i = 0; i < count[y]!; i++) {
      const weight = weights[y * most + i]!;
      const from = n * (first[y]! + i);
      for (let x = 0; x < n; x++) sums[x] = sums[x]! + data[from + x]! * weight;
    }
    for (let x = 0; x < n; x++) out[n * y + x] = sums[x]! >> PRECISION_BITS;
  }
  return { width, height: to, data: new Uint8Array(out.buffer) };
}

function resizeNearest(
  { width, height, data }: RgbImage,
  toWidth: number,
  toHeight: number,
): RgbImage {
  const out = new Uint8Array(3 * toWidth * toHeight);
  const columns = nearestPositions(width, toWidth);
  const rows = nearestPositions(height, toHeight);
  for (let y = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++) {
      const from = 3 * (rows[y]! * width + columns[x]!);
      const at = 3 * (y * toWidth + x);
      out[at] = data[from]!;
      out[at + 1] = data[from + 1]!;
      out[at + 2] = data[from + 2]!;
    }
  }
  return { width: toWidth, height: toHeight, data: out };
}

function nearestPositions(from: number, to: number): Int32Array {
  const scale = from / to;
  const positions = new Int32Array(to);
  // Added up step by step: Pillow does so, and rounding may decide between two pixels.
  for (let x = 0, centre = scale / 2; x < to; x++, centre += scale)
    positions[x] = Math.trunc(centre);
  return positions;
}
