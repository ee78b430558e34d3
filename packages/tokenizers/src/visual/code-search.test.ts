import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { CodeSearch } from './code-search.js';

describe('CodeSearch', () => {
  it.each([1, 3, 8, 21])('finds what trying every code finds, %i dimensions', (dims) => {
    const random = draw(5, 'search', dims);
    const values = (n: number) => Float32Array.from({ length: n * dims }, () => random.integer(5));
    const codebook = values(40);
    const data = values(200);
    const search = new CodeSearch(codebook, dims);
    for (let i = 0; i < 200; i++) {
      const distances = Array.from({ length: 40 }, (_, code) => {
        let sum = 0;
        for (let d = 0; d < dims; d++)
          sum += (data[i * dims + d]! - codebook[code * dims + d]!) ** 2;
        return sum;
      });
      const least = Math.min(...distances);
      // Small integers make many ties: the first code must win, whatever the guess.
      expect(search.nearest(data, i * dims, random.integer(40))).toBe(distances.indexOf(least));
      expect(search.distance).toBe(least);
    }
  });
});
