import { describe, expect, it } from 'vitest';
import { smallConfig } from '../../test/small-model.js';
import { drawDropPath, dropPathRates } from './drop-path.js';

const config = smallConfig({ dropPathRate: 0.4 });

describe('drawDropPath', () => {
  it('drops at the rate of the layer and keeps the expectation', () => {
    const samples = 4000;
    const factors = drawDropPath(
      config,
      1,
      0,
      Array.from({ length: samples }, (_, i) => i),
    );
    dropPathRates(config).forEach((rate, layer) => {
      for (const branch of [0, 1]) {
        const start = (layer * 2 + branch) * samples;
        const drawn = [...factors.subarray(start, start + samples)];
        expect(new Set(drawn)).toEqual(
          new Set(rate === 0 ? [1] : [0, Math.fround(1 / (1 - rate))]),
        );
        const dropped = drawn.filter((factor) => factor === 0).length / samples;
        const deviation = Math.sqrt((rate * (1 - rate)) / samples);
        expect(Math.abs(dropped - rate)).toBeLessThanOrEqual(4 * deviation);
        const mean = drawn.reduce((sum, factor) => sum + factor, 0) / samples;
        expect(Math.abs(mean - 1)).toBeLessThanOrEqual((4 * deviation) / (1 - rate));
      }
    });
  });

  it('draws every branch and layer anew', () => {
    const samples = 2000;
    const indices = Array.from({ length: samples }, (_, i) => i);
    const factors = drawDropPath(smallConfig({ dropPathRate: 0.5, layers: 2 }), 1, 0, indices);
    const dropped = (row: number) =>
      [...factors.subarray(row * samples, (row + 1) * samples)].map((x) => x === 0);
    const [attention, ffn] = [dropped(2), dropped(3)];
    const together = attention.filter((is, i) => is && ffn[i]).length / samples;
    expect(together).toBeGreaterThan(0.2);
    expect(together).toBeLessThan(0.3);
  });

  it('hangs on seed, step and sample, not on the batch it is in', () => {
    const of = (seed: number, step: number, samples: number[], at: number) => {
      const factors = drawDropPath(config, seed, step, samples);
      return Array.from({ length: 6 }, (_, row) => factors[row * samples.length + at]);
    };
    const several = Array.from({ length: 20 }, (_, i) => i);
    const all = (seed: number, step: number) => several.map((i) => of(seed, step, several, i));
    expect(of(1, 2, [7], 0)).toEqual(of(1, 2, several, 7));
    expect(all(1, 2)).toEqual(all(1, 2));
    expect(all(1, 3)).not.toEqual(all(1, 2));
    expect(all(2, 2)).not.toEqual(all(1, 2));
  });
});
