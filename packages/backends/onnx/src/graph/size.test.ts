import { describe, expect, it } from 'vitest';
import { evaluate, interpolate, showSize } from './size.js';

describe('interpolate', () => {
  const low = { batch: 2, text: 7 };
  const high = { batch: 3, text: 9 };
  const seen = (f: (batch: number, text: number) => number) =>
    interpolate(
      (corner) =>
        f(
          corner.includes('batch') ? high.batch : low.batch,
          corner.includes('text') ? high.text : low.text,
        ),
      low,
      high,
    );

  it.each([
    ['a number', () => 12, '12'],
    ['a size', (b: number) => b, 'batch'],
    ['a product and a sum', (b: number, t: number) => 4 * b * (t + 17), '4*batch*text + 68*batch'],
    ['a difference', (b: number, t: number) => 64 - t + 0 * b, '-1*text + 64'],
  ])('finds %s', (_, f, shown) => {
    const size = seen(f)!;
    expect(showSize(size)).toBe(shown);
    expect(evaluate(size, { batch: 11, text: 5 })).toBe(f(11, 5));
  });

  it('gives up where a coefficient is not whole', () => {
    expect(seen((b) => b * b + b / 2)).toBeUndefined();
  });
});
