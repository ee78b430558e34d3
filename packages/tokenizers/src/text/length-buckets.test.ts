import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { lengthBuckets } from './length-buckets.js';

describe('lengthBuckets', () => {
  it('puts samples of like length together, equal ones in their order', () => {
    expect(lengthBuckets([5, 3, 9, 3, 4], { batch: 2 })).toEqual([
      { indices: [1, 3], length: 3 },
      { indices: [4, 0], length: 5 },
      { indices: [2], length: 9 },
    ]);
  });

  it('rounds lengths up, but not beyond the longest allowed', () => {
    expect(
      lengthBuckets([3, 8, 9, 17], { batch: 1, multipleOf: 8, maxLength: 18 }).map(
        ({ length }) => length,
      ),
    ).toEqual([8, 8, 16, 18]);
  });

  it('has every sample once, none longer than its bucket', () => {
    const random = draw(1, 'lengths');
    const lengths = Int32Array.from({ length: 500 }, () => 1 + random.integer(64));
    const buckets = lengthBuckets(lengths, { batch: 32 });
    expect(buckets.flatMap(({ indices }) => indices).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 500 }, (_, index) => index),
    );
    for (const { indices, length } of buckets) {
      expect(length).toBe(Math.max(...indices.map((index) => lengths[index]!)));
    }
    expect(buckets.map(({ indices }) => indices.length)).toEqual([...Array(15).fill(32), 20]);
    const padded = buckets.reduce((sum, { indices, length }) => sum + indices.length * length, 0);
    const real = lengths.reduce((sum, length) => sum + length, 0);
    expect(padded / real).toBeLessThan(1.1);
    expect(lengthBuckets([...lengths], { batch: 32 })).toEqual(buckets);
  });

  it('has no bucket for no sample', () => {
    expect(lengthBuckets([], { batch: 4 })).toEqual([]);
  });

  it.each([
    [[1], { batch: 0 }],
    [[1], { batch: 1.5 }],
    [[1], { batch: 1, multipleOf: 0 }],
    [[1], { batch: 1, maxLength: 0 }],
    [[0], { batch: 1 }],
    [[2.5], { batch: 1 }],
    [[9], { batch: 1, maxLength: 8 }],
  ])('refuses lengths %j with %j', (lengths, options) => {
    expect(() => lengthBuckets(lengths, options)).toThrow(
      expect.objectContaining({ code: 'config/length-buckets' }),
    );
  });
});
