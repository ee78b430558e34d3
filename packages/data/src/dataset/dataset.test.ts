import { describe, expect, it } from 'vitest';
import { arrayDataset, concatDatasets, examplesOf, mapDataset, subset } from './dataset.js';
import { epochOrder, shuffleDataset } from './order.js';
import { defaultShares, splitIndices, splitOf } from './split.js';

const all = async <T>(dataset: Parameters<typeof examplesOf<T>>[0]): Promise<T[]> => {
  const items: T[] = [];
  for await (const item of examplesOf(dataset)) items.push(item);
  return items;
};

describe('combinators', () => {
  const letters = arrayDataset(['a', 'b', 'c']);

  it('map, concatenate and choose', async () => {
    const upper = mapDataset(letters, (letter, index) => letter.toUpperCase() + index);
    const empty = arrayDataset<string>([]);
    const joined = concatDatasets(letters, empty, upper);
    expect(await all(joined)).toEqual(['a', 'b', 'c', 'A0', 'B1', 'C2']);
    expect(await all(subset(joined, [5, 0, 0]))).toEqual(['C2', 'a', 'a']);
    expect(concatDatasets().size).toBe(0);
  });

  it('refuse an index outside', async () => {
    for (const index of [-1, 3, 0.5, Number.NaN]) {
      await expect(letters.get(index)).rejects.toMatchObject({ code: 'data/index' });
      await expect(concatDatasets(letters).get(index)).rejects.toMatchObject({
        code: 'data/index',
      });
    }
    expect(() => subset(letters, [3])).toThrow('0 … 2');
  });
});

describe('epochOrder', () => {
  it('is a permutation, equal for equal seed and epoch, different otherwise', async () => {
    const order = epochOrder(100, 3, 1);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
    expect(epochOrder(100, 3, 1)).toEqual(order);
    expect(epochOrder(100, 3, 2)).not.toEqual(order);
    expect(epochOrder(100, 4, 1)).not.toEqual(order);
    const numbers = arrayDataset([...Array(100).keys()]);
    expect(await all(shuffleDataset(numbers, 3, 1))).toEqual([...order]);
  });

  it('refuses a size or epoch that is none', () => {
    expect(() => epochOrder(-1, 0)).toThrow('size');
    expect(() => epochOrder(1, 0, 0.5)).toThrow('epoch');
  });
});

describe('splits', () => {
  const keys = Array.from({ length: 5000 }, (_, i) => `key ${i}`);

  it('cover every key once, in about the shares asked for', () => {
    const { train, validation, test } = splitIndices(keys, defaultShares);
    expect([...train, ...validation, ...test].sort((a, b) => a - b)).toEqual([...keys.keys()]);
    expect(Math.abs(train.length / 5000 - 0.8)).toBeLessThan(0.02);
    expect(Math.abs(validation.length / 5000 - 0.1)).toBeLessThan(0.02);
  });

  it('depend on the key and the seed only', () => {
    const first = keys.map((key) => splitOf(key, defaultShares));
    const reversed = [...keys].reverse().map((key) => splitOf(key, defaultShares));
    expect(reversed.reverse()).toEqual(first);
    expect(keys.map((key) => splitOf(key, defaultShares, 1))).not.toEqual(first);
  });

  it('refuse shares that do not add up', () => {
    expect(() => splitOf('a', { train: 0.8, test: 0.1 })).toThrow('add up to 1');
    expect(() => splitOf('a', { train: 1.5, test: -0.5 })).toThrow('at least 0');
    expect(splitOf('a', { train: 0, test: 1 })).toBe('test');
  });
});
