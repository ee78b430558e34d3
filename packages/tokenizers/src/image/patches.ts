import { fail } from './image-error.js';
import { checkPixels, type Pixels } from './pixels.js';

/** Rows and columns of patches. */
export type PatchGrid = readonly [h: number, w: number];

/** An image cut into patches, row by row: `[h · w, 3 · p · p]`. */
export interface Patches {
  readonly data: Float32Array;
  readonly grid: PatchGrid;
  readonly patchSize: number;
}

/**
 * The grid `[height / p, width / p]`. Errors: `ImageError` `image/patch-size` unless both sides are
 * multiples of `patchSize`.
 */
export function gridOf(height: number, width: number, patchSize: number): PatchGrid {
  const h = height / patchSize;
  const w = width / patchSize;
  const whole = [h, w, patchSize].every((n) => Number.isInteger(n) && n > 0);
  if (!whole) {
    fail('patch-size', {
      where: 'gridOf',
      expected: `a height and width that are multiples of the patch size ${patchSize}`,
      got: `${height} × ${width}`,
      fix: 'Resize the image.',
    });
  }
  return [h, w];
}

/**
 * Cuts pixels `[3, H, W]` into patches. Within a patch the order is channel, row, column: that of a
 * convolution weight `[D, 3, p, p]` flattened to `[D, 3·p·p]`, so embedding is a product with it.
 */
export function patchify(pixels: Pixels, patchSize: number): Patches {
  checkPixels('patchify', pixels);
  const grid = gridOf(pixels.height, pixels.width, patchSize);
  const data = new Float32Array(pixels.data.length);
  forEachRun(grid, patchSize, (inPatches, inPixels) => {
    data.set(pixels.data.subarray(inPixels, inPixels + patchSize), inPatches);
  });
  return { data, grid, patchSize };
}

/** Puts patches back together; the inverse of `patchify`. */
export function unpatchify({ data, grid, patchSize }: Patches): Pixels {
  const [h, w] = grid;
  const valid = [h, w, patchSize].every((n) => Number.isInteger(n) && n > 0);
  const pixels = { height: h * patchSize, width: w * patchSize };
  if (!valid || data.length !== 3 * pixels.height * pixels.width) {
    fail('invalid', {
      where: 'unpatchify',
      expected: 'patches [h · w, 3 · p · p]',
      got: `grid ${h} × ${w}, patch size ${patchSize} and ${data.length} numbers`,
    });
  }
  const out = new Float32Array(data.length);
  forEachRun(grid, patchSize, (inPatches, inPixels) => {
    out.set(data.subarray(inPatches, inPatches + patchSize), inPixels);
  });
  return { ...pixels, data: out };
}

/** Visits every row of every channel of every patch: where it starts in either layout. */
function forEachRun(
  [h, w]: PatchGrid,
  p: number,
  visit: (inPatches: number, inPixels: number) => void,
): void {
  let inPatches = 0;
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < p; y++, inPatches += p) {
          visit(inPatches, ((c * h + row) * p + y) * w * p + column * p);
        }
      }
    }
  }
}
