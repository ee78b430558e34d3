import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { blockMask, maskedPatchCount } from './block-mask.js';

describe('blockMask', () => {
  it.each([
    [[4, 4], 0.4],
    [[14, 14], 0.4],
    [[3, 9], 0.75],
    [[1, 7], 0.5],
    [[16, 16], 1],
  ] as const)('masks exactly round(ratio · patches) of %j at %d', (grid, ratio) => {
    const count = maskedPatchCount(grid, ratio);
    for (let i = 0; i < 200; i++) {
      const mask = blockMask(grid, count, draw(1, 'test', 0, i));
      expect(mask.reduce((sum, m) => sum + m, 0)).toBe(count);
    }
  });

  it('masks in blocks: far more neighbours agree than for single patches', () => {
    const grid = [14, 14] as const;
    const count = maskedPatchCount(grid, 0.4);
    let agree = 0;
    let pairs = 0;
    for (let i = 0; i < 100; i++) {
      const mask = blockMask(grid, count, draw(2, 'test', 0, i));
      for (let y = 0; y < 14; y++) {
        for (let x = 0; x < 13; x++) {
          pairs++;
          if (mask[y * 14 + x] === mask[y * 14 + x + 1]) agree++;
        }
      }
    }
    // Independent patches would agree with probability 0.4² + 0.6² = 0.52.
    expect(agree / pairs).toBeGreaterThan(0.7);
  });

  it('covers every patch sooner or later', () => {
    const sum = new Uint32Array(16);
    for (let i = 0; i < 500; i++) {
      blockMask([4, 4], 6, draw(3, 'test', 0, i)).forEach((m, p) => {
        sum[p]! += m;
      });
    }
    expect(Math.min(...sum)).toBeGreaterThan(80);
  });

  it('refuses a count beyond the grid', () => {
    expect(() => blockMask([2, 2], 5, draw(0, 'test'))).toThrow(/0 to the 4 patches/);
  });
});
