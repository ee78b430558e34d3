import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { type KMeansProgress, kMeans } from './kmeans.js';

/** Clouds of 30 vectors around the corners of a cube of side 10. */
function clouds(): Float32Array {
  const random = draw(1, 'clouds');
  return Float32Array.from({ length: 8 * 30 * 3 }, (_, i) => {
    const corner = Math.floor(i / 3) % 8;
    return 10 * ((corner >> (i % 3)) & 1) + 0.1 * random.normal();
  });
}

const options = { codes: 8, iterations: 50, seed: 0, start: 'k-means++' } as const;

describe('kMeans', () => {
  it('finds clouds and ends when nothing changes', async () => {
    const data = clouds();
    const { centers, assignment, converged, distances } = await kMeans(data, 3, options);
    expect(converged).toBe(true);
    const rounded = Array.from({ length: 8 }, (_, code) =>
      [...centers.subarray(3 * code, 3 * code + 3)].map((v) => Math.round(v / 10)).join(''),
    );
    expect(new Set(rounded).size).toBe(8);
    // Vector i belongs to cloud i mod 8, and only to that.
    expect(new Set([...assignment].map((code, i) => `${i % 8}:${code}`)).size).toBe(8);
    expect(Math.max(...distances)).toBeLessThan(0.5);
  });

  it('is at a fixed point: centres are means, assignments nearest', async () => {
    const random = draw(2, 'fixed point');
    const data = Float32Array.from({ length: 500 * 4 }, () => random.normal());
    const result = await kMeans(data, 4, { ...options, iterations: 200 });
    expect(result.converged).toBe(true);
    for (let code = 0; code < 8; code++) {
      const members = [...result.assignment.keys()].filter((i) => result.assignment[i] === code);
      for (let d = 0; d < 4; d++) {
        const mean = members.reduce((sum, i) => sum + data[4 * i + d]!, 0) / members.length;
        expect(result.centers[4 * code + d]).toBeCloseTo(mean, 5);
      }
    }
  });

  it('is the same for the same seed, another for another', async () => {
    const random = draw(3, 'seeds');
    const data = Float32Array.from({ length: 300 * 4 }, () => random.normal());
    for (const start of ['k-means++', 'random'] as const) {
      const run = async (seed: number) =>
        (await kMeans(data, 4, { ...options, start, iterations: 3, seed })).centers.join();
      expect(await run(1)).toBe(await run(1));
      expect(await run(1)).not.toBe(await run(2));
    }
  });

  it('never gets worse, and says how far it is', async () => {
    const random = draw(4, 'progress');
    const data = Float32Array.from({ length: 400 * 6 }, () => random.normal());
    const seen: KMeansProgress[] = [];
    await kMeans(data, 6, { ...options, iterations: 6 }, async (progress) => {
      seen.push(progress);
    });
    expect(seen.map(({ iteration }) => iteration)).toEqual([1, 2, 3, 4, 5, 6]);
    for (let i = 1; i < seen.length; i++) {
      expect(seen[i]!.distance).toBeLessThanOrEqual(seen[i - 1]!.distance);
    }
  });

  it('moves unused codes to the vectors that are served worst', async () => {
    // A random start draws the same vector often: 97 of 100 are equal.
    const data = new Float32Array(100);
    data.set([5, 9, 14], 40);
    const reseeded: number[] = [];
    const run = (codes: number) =>
      kMeans(data, 1, { codes, iterations: 10, seed: 0, start: 'random' }, (progress) => {
        reseeded.push(progress.reseeded);
      });
    expect([...(await run(4)).centers].sort((a, b) => a - b)).toEqual([0, 5, 9, 14]);
    expect(Math.max(...reseeded)).toBeGreaterThan(0);
    // With more codes than different vectors some stay unused; it ends all the same.
    const spare = await run(6);
    expect(spare.converged).toBe(true);
    expect(new Set(spare.assignment).size).toBe(4);
  });
});
