import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { suffixArray } from './suffix-array.js';

describe('suffixArray', () => {
  it('orders suffixes by at least their first codes', () => {
    const random = draw(5, 'suffix-array');
    for (const [length, alphabet] of [
      [0, 2],
      [1, 2],
      [40, 2],
      [300, 3],
      [500, 40],
    ] as const) {
      const codes = Int32Array.from({ length }, () => random.integer(alphabet));
      const compare = (a: number, b: number): number => {
        while (a < length && b < length && codes[a] === codes[b]) [a, b] = [a + 1, b + 1];
        return (a < length ? codes[a]! : -1) - (b < length ? codes[b]! : -1);
      };
      const naive = Array.from(codes, (_, i) => i).sort(compare);
      expect([...suffixArray(codes, length)]).toEqual(naive);
      const depth = 4;
      const rounded = [...suffixArray(codes, depth)];
      const head = (i: number): string => codes.slice(i, i + depth).join();
      expect(rounded.map(head)).toEqual(naive.map(head));
    }
  });
});
