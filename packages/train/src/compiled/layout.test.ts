import { describe, expect, it } from 'vitest';
import { blocksHold, blocksOf, layoutOf } from './layout.js';

const decays = { lrScale: 1, weightDecay: 0.1 };
const stays = { lrScale: 1, weightDecay: 0 };
const shapes = { a: [2, 3], b: [3], c: [], d: [4], e: [5] };
const parameters = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => [name, { shape }]),
);
const layout = layoutOf(parameters, { a: decays, b: stays, c: decays, d: stays, e: { ...decays } });
const all = new Set(Object.keys(shapes));

describe('layoutOf', () => {
  it('puts the parameters of a group side by side, in the order of the model', () => {
    expect(layout.length).toBe(19);
    expect(layout.inMemory.map(({ name, offset, size }) => [name, offset, size])).toEqual([
      ['a', 0, 6],
      ['c', 6, 1],
      ['e', 7, 5],
      ['b', 12, 3],
      ['d', 15, 4],
    ]);
    expect([...layout.slots.keys()]).toEqual(Object.keys(shapes));
    expect(layout.trained).toBe(19);
  });

  it('puts what is frozen at the end, whatever its group', () => {
    const groups = { a: decays, b: stays, c: decays, d: stays, e: decays };
    const partly = layoutOf(parameters, groups, new Set(['d', 'a']));
    expect(partly.inMemory.map(({ name }) => name)).toEqual(['b', 'c', 'e', 'a', 'd']);
    expect([partly.trained, partly.length]).toEqual([9, 19]);
    expect([...partly.slots.keys()]).toEqual(Object.keys(shapes));
  });
});

describe('blocksOf', () => {
  it('makes one block of a group', () => {
    expect(blocksOf(layout, all)).toEqual([
      { group: decays, offset: 0, length: 12, names: ['a', 'c', 'e'] },
      { group: stays, offset: 12, length: 7, names: ['b', 'd'] },
    ]);
  });

  it('parts neighbours where one has no gradient, or another number of updates', () => {
    const names = (reached: string[], updates: Record<string, number> = {}) =>
      blocksOf(layout, new Set(reached), (name) => updates[name] ?? 3).map((block) => block.names);
    expect(names(['a', 'e', 'b'])).toEqual([['a'], ['e'], ['b']]);
    expect(names([...all], { a: 2 })).toEqual([['a'], ['c', 'e'], ['b', 'd']]);
    expect(names([...all], { d: 2 })).toEqual([['a', 'c', 'e'], ['b'], ['d']]);
    expect(names([])).toEqual([]);
  });

  it('adds nothing to a block that is large', () => {
    const sizes = { p: 2 ** 19, q: 2 ** 19, r: 1, s: 2 ** 21, t: 1 };
    const entries = Object.entries(sizes).map(([name, size]) => [name, { shape: [size] }] as const);
    const large = layoutOf(
      Object.fromEntries(entries),
      Object.fromEntries(entries.map(([name]) => [name, stays])),
    );
    const blocks = blocksOf(large, new Set(Object.keys(sizes)));
    expect(blocks.map(({ names }) => names)).toEqual([['p', 'q'], ['r', 's'], ['t']]);
  });
});

describe('blocksHold', () => {
  it('where all in each have had as many updates', () => {
    const blocks = blocksOf(layout, all);
    expect(blocksHold(blocks, (name) => ('ace'.includes(name) ? 2 : 5))).toBe(true);
    expect(blocksHold(blocks, (name) => (name === 'e' ? 2 : 5))).toBe(false);
  });
});
