import { draw } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { maskText } from './mask-text.js';

const vocabulary = { maskId: 1001, vocabSize: 1002 };

describe('maskText', () => {
  it('chooses as many positions as the ratio says, never <s> or padding', () => {
    for (const [length, ratio, wanted] of [
      [10, 0.6, 6],
      [10, 0.65, 7],
      [10, 1, 9],
      [10, 0.01, 1],
      [2, 0.5, 1],
    ] as const) {
      const ids = Int32Array.from({ length: 16 }, (_, i) => (i < length ? 100 + i : 1));
      const { ids: masked, targets } = maskText(ids, length, ratio, vocabulary, draw(1, 'mask'));
      expect(targets.reduce((sum, t) => sum + t, 0)).toBe(wanted);
      expect(targets[0]).toBe(0);
      expect(targets.subarray(length).every((t) => t === 0)).toBe(true);
      for (let i = 0; i < 16; i++) if (!targets[i]) expect(masked[i]).toBe(ids[i]);
    }
  });

  it('turns four fifths into <mask> and keeps a tenth', () => {
    const kinds = { mask: 0, kept: 0, random: 0 };
    for (let step = 0; step < 400; step++) {
      const ids = new Int32Array(64).fill(500);
      const { ids: masked, targets } = maskText(ids, 64, 0.8, vocabulary, draw(2, 'mask', step));
      for (let i = 0; i < 64; i++) {
        if (!targets[i]) continue;
        if (masked[i] === vocabulary.maskId) kinds.mask++;
        else if (masked[i] === 500) kinds.kept++;
        else kinds.random++;
        expect(masked[i]).toBeGreaterThanOrEqual(3);
        expect(masked[i]).toBeLessThan(vocabulary.vocabSize);
      }
    }
    const total = kinds.mask + kinds.kept + kinds.random;
    expect(kinds.mask / total).toBeCloseTo(0.8, 1);
    expect(kinds.kept / total).toBeCloseTo(0.1, 1);
    expect(kinds.random / total).toBeCloseTo(0.1, 1);
  });

  it('refuses lengths and ratios that cannot be', () => {
    const code = expect.objectContaining({ code: 'config/mask-text' });
    const ids = new Int32Array(8);
    for (const [length, ratio] of [
      [1, 0.5],
      [9, 0.5],
      [2.5, 0.5],
      [4, 0],
      [4, 1.5],
      [4, Number.NaN],
    ] as const) {
      expect(() => maskText(ids, length, ratio, vocabulary, draw(3, 'mask'))).toThrow(code);
    }
  });
});
