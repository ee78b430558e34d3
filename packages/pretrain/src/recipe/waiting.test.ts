import { expect, it } from 'vitest';
import { waiting } from './waiting.js';

it('knows what was asked for and has not come', async () => {
  const asked = waiting();
  const releases: (() => void)[] = [];
  const slow = {
    size: 9,
    parts: [4, 5],
    get: (index: number) => new Promise<number>((resolve) => releases.push(() => resolve(index))),
  };
  const data = asked.watch('pairs', slow);
  expect([data.size, data.parts]).toEqual([9, [4, 5]]);
  expect(asked.describe()).toMatch(/being made a batch/);
  const got = [data.get(3), data.get(8)];
  expect(asked.describe()).toBe('example 3 of the pairs, and 1 others');
  releases[0]!();
  expect(await got[0]).toBe(3);
  expect(asked.describe()).toBe('example 8 of the pairs');
  releases[1]!();
  await got[1];

  const failing = asked.watch('texts', { size: 1, get: () => Promise.reject(new Error('gone')) });
  await expect(failing.get(0)).rejects.toThrow('gone');
  expect(asked.describe()).toMatch(/being made a batch/);
});
