import { expect, it } from 'vitest';
import { FunctionCache } from './functions.js';

it('keeps the functions used last, and frees the others', async () => {
  const [made, freed]: [string[], string[]] = [[], []];
  const cache = new FunctionCache<{ dispose(): Promise<void> }>(2);
  const use = (key: string) =>
    cache.get(key, async () => {
      made.push(key);
      return { dispose: async () => void freed.push(key) };
    });
  const a = await use('a');
  await use('b');
  expect(await use('a')).toBe(a);
  await use('c');
  expect(freed).toEqual(['b']);
  await use('b');
  expect(made).toEqual(['a', 'b', 'c', 'b']);
  expect(freed).toEqual(['b', 'a']);
  await cache.dispose();
  expect(freed.sort()).toEqual(['a', 'b', 'b', 'c']);
});

it('replaces what holds no more', async () => {
  const freed: number[] = [];
  const cache = new FunctionCache<{ number: number; dispose(): Promise<void> }>(2);
  const use = (least: number) =>
    cache.get(
      'a',
      async (before) => {
        const number = (before?.number ?? 0) + 1;
        return { number, dispose: async () => void freed.push(number) };
      },
      ({ number }) => number >= least,
    );
  expect((await use(1)).number).toBe(1);
  expect((await use(1)).number).toBe(1);
  expect((await use(2)).number).toBe(2);
  expect(freed).toEqual([1]);
  await cache.dispose();
  expect(freed).toEqual([1, 2]);
});
