import { describe, expect, it } from 'vitest';
import { epochOrder } from './epoch-order.js';

const sorted = (values: number[]) => [...values].sort((a, b) => a - b);

describe('epochOrder', () => {
  const SIZE = 7;
  const epoch = (order: (sample: number) => number, number: number) =>
    Array.from({ length: SIZE }, (_, i) => order(number * SIZE + i));

  it('visits every example once in each epoch, each time in another order', () => {
    const order = epochOrder(1, 'test', SIZE);
    const epochs = [0, 1, 2].map((number) => epoch(order, number));
    for (const visited of epochs) expect(sorted(visited)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect(epochs[1]).not.toEqual(epochs[2]);
  });

  it('is the same in whichever order it is asked, and another for another seed or purpose', () => {
    const forwards = epochOrder(1, 'test', SIZE);
    const backwards = epochOrder(1, 'test', SIZE);
    const samples = Array.from({ length: 3 * SIZE }, (_, i) => i);
    const asked = samples.map(forwards);
    expect(samples.toReversed().map(backwards).reverse()).toEqual(asked);
    expect(samples.map(epochOrder(2, 'test', SIZE))).not.toEqual(asked);
    expect(samples.map(epochOrder(1, 'other', SIZE))).not.toEqual(asked);
  });
});
