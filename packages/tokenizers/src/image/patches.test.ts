import { ImageError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { gridOf, patchify, unpatchify } from './patches.js';

describe('patchify', () => {
  it('orders patches row by row, and channel, row, column within', () => {
    const [height, width, p] = [4, 6, 2];
    const data = Float32Array.from({ length: 3 * height * width }, (_, i) => i);
    const { data: patches, grid } = patchify({ height, width, data }, p);
    expect(grid).toEqual([2, 3]);
    for (let n = 0; n < 6; n++) {
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < p; y++) {
          for (let x = 0; x < p; x++) {
            const row = Math.floor(n / 3) * p + y;
            const column = (n % 3) * p + x;
            expect(patches[n * 12 + c * 4 + y * 2 + x]).toBe((c * height + row) * width + column);
          }
        }
      }
    }
  });

  it('is undone by unpatchify', () => {
    for (const [height, width, p] of [
      [8, 8, 8],
      [6, 9, 3],
      [5, 1, 1],
    ] as const) {
      const data = Float32Array.from({ length: 3 * height * width }, (_, i) => Math.sin(i));
      expect(unpatchify(patchify({ height, width, data }, p))).toEqual({ height, width, data });
    }
  });

  it('refuses sizes that are no multiples', () => {
    const pixels = { height: 4, width: 6, data: new Float32Array(72) };
    const refused = expect.objectContaining({ code: 'image/patch-size' });
    for (const p of [4, 3, 0, -2, 1.5, Number.NaN]) {
      expect(() => patchify(pixels, p)).toThrow(refused);
    }
    expect(() => gridOf(0, 4, 2)).toThrow(refused);
    expect(() => patchify({ ...pixels, height: 5 }, 1)).toThrow(ImageError);
    const patches = patchify(pixels, 2);
    expect(() => unpatchify({ ...patches, grid: [3, 3] })).toThrow(ImageError);
  });
});
