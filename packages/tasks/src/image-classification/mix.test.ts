import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { mixImages } from './mix.js';

const SIDE = 8;
const plain = (value: number) => ({
  width: SIDE,
  height: SIDE,
  data: new Float32Array(3 * SIDE * SIDE).fill(value),
});
const images = [plain(0), plain(1), plain(2)];
const mixed = (settings: { mixup: number; cutmix: number }, step: number, of = images) =>
  mixImages(of, settings, draw(1, 'mix', step));

describe('mixImages', () => {
  it('mixes the pixels of each with those of its partner, by one share', () => {
    const { images: found, share } = mixed({ mixup: 0.8, cutmix: 0 }, 2);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    expect(found[0]!.data[5]).toBeCloseTo(2 * (1 - share), 5);
    expect(found[2]!.data[5]).toBeCloseTo(2 * share, 5);
    expect(found[1]!.data[5]).toBeCloseTo(1, 5);
    expect(mixed({ mixup: 0.8, cutmix: 0 }, 2).share).toBe(share);
    expect(mixed({ mixup: 0.8, cutmix: 0 }, 3).share).not.toBe(share);
  });

  it('cuts a rectangle whose area is the share that left', () => {
    for (let step = 0; step < 30; step++) {
      const { images: found, share } = mixed({ mixup: 0, cutmix: 1 }, step);
      const plane = found[0]!.data.subarray(0, SIDE * SIDE);
      const own = plane.filter((value) => value === 0).length;
      expect(own + plane.filter((value) => value === 2).length).toBe(SIDE * SIDE);
      expect(own / SIDE ** 2).toBeCloseTo(share, 10);
    }
  });

  it('takes either, and Beta(α, α) has the variance 1 / (4 (2α + 1))', () => {
    const shares = Array.from(
      { length: 2000 },
      (_, step) => mixed({ mixup: 0.8, cutmix: 0 }, step, [plain(0)]).share,
    );
    const mean = shares.reduce((a, b) => a + b) / shares.length;
    const variance = shares.reduce((a, b) => a + (b - mean) ** 2, 0) / shares.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1 / (4 * 2.6))).toBeLessThan(0.008);
    const cut = Array.from({ length: 400 }, (_, step) =>
      mixed({ mixup: 0.8, cutmix: 1 }, step).images[0]!.data.every((x) => x === 0 || x === 2),
    );
    expect(Math.abs(cut.filter(Boolean).length - 200)).toBeLessThan(50);
  });

  it('leaves images alone where both are off', () => {
    expect(mixed({ mixup: 0, cutmix: 0 }, 1)).toEqual({ images, share: 1 });
  });
});
