import { describe, expect, it } from 'vitest';
import { windowOrder } from './window-order.js';

const SIZES = [5, 0, 7, 3, 9];
const SIZE = 24;
const epochOf = (order: (sample: number) => number, epoch: number) =>
  Array.from({ length: SIZE }, (_, i) => order(epoch * SIZE + i));
const ascending = Array.from({ length: SIZE }, (_, i) => i);
const sorted = (values: number[]) => [...values].sort((a, b) => a - b);

describe('windowOrder', () => {
  it.each([1, 4, 7, 100])('visits every record once in each epoch, window %i', (window) => {
    const order = windowOrder(SIZES, { seed: 1, window });
    const epochs = [0, 1, 2].map((epoch) => epochOf(order, epoch));
    for (const visited of epochs) expect(sorted(visited)).toEqual(ascending);
    expect(new Set(epochs.map(String)).size).toBe(3);
  });

  it('leaves records as they lie with a window of 0', () => {
    expect(epochOf(windowOrder(SIZES, { seed: 1, window: 0 }), 3)).toEqual(ascending);
  });

  it('keeps a shard together, in order, with a window of 1', () => {
    const visited = epochOf(windowOrder(SIZES, { seed: 4, window: 1 }), 0);
    const jumps = visited.slice(1).filter((index, i) => index !== visited[i]! + 1);
    expect(jumps.length).toBeGreaterThan(0);
    expect(jumps.length).toBeLessThanOrEqual(3);
  });

  it('moves no record out of its window', () => {
    const mixed = epochOf(windowOrder(SIZES, { seed: 2, window: 6 }), 1);
    const shardsOnly = epochOf(windowOrder(SIZES, { seed: 2, window: 1 }), 1);
    for (let at = 0; at < SIZE; at += 6) {
      expect(sorted(mixed.slice(at, at + 6))).toEqual(sorted(shardsOnly.slice(at, at + 6)));
    }
    expect(mixed).not.toEqual(shardsOnly);
  });

  it('is the same in whichever order it is asked, and another for another seed or purpose', () => {
    const samples = Array.from({ length: 3 * SIZE }, (_, i) => i);
    const asked = samples.map(windowOrder(SIZES, { seed: 1, window: 4 }));
    const backwards = samples.toReversed().map(windowOrder(SIZES, { seed: 1, window: 4 }));
    expect(backwards.reverse()).toEqual(asked);
    expect(samples.map(windowOrder(SIZES, { seed: 2, window: 4 }))).not.toEqual(asked);
    const other = windowOrder(SIZES, { seed: 1, window: 4, purpose: 'other' });
    expect(samples.map(other)).not.toEqual(asked);
  });

  it('refuses a window or a number that cannot be', () => {
    expect(() => windowOrder(SIZES, { seed: 1, window: -1 })).toThrow('window');
    expect(() => windowOrder(SIZES, { seed: 1 })(-1)).toThrow('number');
  });
});
