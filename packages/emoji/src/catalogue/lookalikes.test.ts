import { describe, expect, it } from 'vitest';
import { findLookalikes } from './lookalikes.js';

describe('findLookalikes', () => {
  // Three grey drawings of 16 × 16 opaque pixels; the third differs from the second in one block.
  const size = 16;
  const drawing = (grey: number, spot = 0): number[] =>
    Array.from({ length: size * size }, (_, i) => {
      const value = i % size < 8 && i < 8 * size ? grey + spot : grey;
      return [value, value, value, 255];
    }).flat();
  const renders = {
    size,
    ids: ['a', 'b', 'c'],
    pixels: Uint8Array.from([...drawing(100), ...drawing(102), ...drawing(102, 40)]),
  };

  it('unites drawings whose mean difference is within the tolerance', () => {
    // a and b differ by 2 in 3 of 4 channels: 1.5; b and c by 40 in a quarter of them: 7.5.
    expect(findLookalikes(renders, 1.49)).toEqual([]);
    expect(findLookalikes(renders, 1.5)).toEqual([['a', 'b']]);
    expect(findLookalikes(renders, 7.5)).toEqual([['a', 'b', 'c']]);
  });

  it('takes opacity into account', () => {
    const transparent = { ...renders, pixels: renders.pixels.map((v, i) => (i % 4 === 3 ? 0 : v)) };
    expect(findLookalikes(transparent, 0)).toEqual([['a', 'b', 'c']]);
  });
});
