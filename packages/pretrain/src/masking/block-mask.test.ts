import { draw, type RandomStream } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import reference from '../../test/block-masks.json' with { type: 'json' };
import { blockMask, maskedPatchCount } from './block-mask.js';

type Recorded = [kind: string, low: number, high: number, value: number];

/** Gives the numbers that the reference drew, and insists that the same ranges are asked for. */
function replay(draws: Recorded[]): Pick<RandomStream, 'uniform' | 'integer'> & { left(): number } {
  let at = 0;
  const next = (kind: string): Recorded => {
    const drawn = draws[at++];
    expect(drawn?.[0]).toBe(kind);
    return drawn!;
  };
  return {
    uniform: () => {
      const [, low, high, value] = next('uniform');
      return high === low ? 0 : (value - low) / (high - low);
    },
    integer: (n) => {
      const [, low, high, value] = next('randint');
      expect([low, high]).toEqual([0, n - 1]);
      return value;
    },
    left: () => draws.length - at,
  };
}

describe.each(reference.cases)('blockMask on $grid, blocks from $minBlock', (given) => {
  const [rows, columns] = given.grid as [number, number];
  const { count, minBlock } = given;

  it('makes the masks of the reference from its draws', () => {
    expect(given.masks.length).toBeGreaterThan(0);
    for (const { rows: lines, draws } of given.masks) {
      const random = replay(draws as Recorded[]);
      const mask = blockMask([rows, columns], count, random, { minBlock });
      expect(Array.from(mask).join('')).toBe(lines.join(''));
      expect(random.left()).toBe(0);
    }
  });

  it('makes blocks as coherent as the reference does', () => {
    const MASKS = 1000;
    const agree = { horizontal: 0, vertical: 0 };
    for (let i = 0; i < MASKS; i++) {
      const mask = blockMask([rows, columns], count, draw(2, 'test', 0, i), { minBlock });
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          const at = y * columns + x;
          if (x + 1 < columns && mask[at] === mask[at + 1]) agree.horizontal++;
          if (y + 1 < rows && mask[at] === mask[at + columns]) agree.vertical++;
        }
      }
    }
    // Of 1000 masks here and 2000 there; single patches would agree half the time.
    const pairs = MASKS * rows * (columns - 1);
    const { horizontal, vertical } = given.neighbourAgreement;
    expect(Math.abs(agree.horizontal / pairs - horizontal)).toBeLessThan(0.015);
    expect(Math.abs(agree.vertical / pairs - vertical)).toBeLessThan(0.015);
  });
});

describe('blockMask', () => {
  it.each([
    [[4, 4], 0.4, 6],
    [[14, 14], 0.4, 78],
    [[16, 16], 0.4, 102],
    [[3, 9], 0.75, 20],
    [[1, 7], 0.5, 4],
    [[16, 16], 1, 256],
    [[2, 2], 0.1, 0],
  ] as const)('masks exactly round(ratio · patches) of %j at %d: %d', (grid, ratio, wanted) => {
    const count = maskedPatchCount(grid, ratio);
    expect(count).toBe(wanted);
    for (let i = 0; i < 100; i++) {
      const mask = blockMask(grid, count, draw(1, 'test', 0, i));
      expect(mask.length).toBe(grid[0] * grid[1]);
      expect(mask.every((m) => m === 0 || m === 1)).toBe(true);
      expect(mask.reduce((sum, m) => sum + m, 0)).toBe(count);
    }
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

  it('refuses a count beyond the grid, and blocks that cannot be', () => {
    const random = draw(0, 'test');
    expect(() => blockMask([2, 2], 5, random)).toThrow(/0 to the 4 patches/);
    const code = expect.objectContaining({ code: 'config/block-mask' });
    for (const count of [-1, 1.5, Number.NaN]) {
      expect(() => blockMask([2, 2], count, random)).toThrow(code);
    }
    for (const options of [{ minBlock: 0 }, { minAspect: 0 }, { minAspect: 2 }]) {
      expect(() => blockMask([4, 4], 2, random, options)).toThrow(code);
    }
  });
});
