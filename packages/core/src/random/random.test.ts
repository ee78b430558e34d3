import { describe, expect, it } from 'vitest';
import { draw } from './random.js';

describe('draw', () => {
  it('gives equal numbers for equal coordinates and others for others', () => {
    const take = (...c: Parameters<typeof draw>) => {
      const r = draw(...c);
      return Array.from({ length: 8 }, () => r.uint32()).join();
    };
    expect(take(1, 'mask', 2, 3)).toBe(take(1, 'mask', 2, 3));
    const others = [
      take(1, 'mask', 2, 3),
      take(2, 'mask', 2, 3),
      take(1, 'path', 2, 3),
      take(1, 'mask', 3, 3),
      take(1, 'mask', 2, 4),
      take(1 + 2 ** 32, 'mask', 2, 3),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  it('is uniform, normal, and permutes', () => {
    const r = draw(7, 'statistics');
    const n = 20000;
    let mean = 0;
    let square = 0;
    let uniform = 0;
    for (let i = 0; i < n; i++) {
      const z = r.normal();
      mean += z / n;
      square += (z * z) / n;
      uniform += r.uniform() / n;
    }
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(square - 1)).toBeLessThan(0.05);
    expect(Math.abs(uniform - 0.5)).toBeLessThan(0.01);
    expect([...r.permutation(50)].sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
  });

  // Known answers of Random123's kat_vectors for philox4x32-10 with a zero key and counter.
  it('is Philox 4x32-10', () => {
    const seedThatCancelsPurpose = 2 ** 32 * 0x811c9dc5;
    const r = draw(seedThatCancelsPurpose, '', 0, 0);
    expect([r.uint32(), r.uint32(), r.uint32(), r.uint32()]).toEqual([
      0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8,
    ]);
  });
});
