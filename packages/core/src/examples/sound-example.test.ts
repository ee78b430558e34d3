import { describe, expect, it } from 'vitest';
import { DataError, ImageError, IoError } from '../errors/errors.js';
import type { Dataset } from './examples.js';
import { isExampleError, soundDataset, soundExample } from './sound-example.js';

const details = { where: 'a test', expected: 'a record', got: 'none' };
const bad = (code: string) => new DataError({ code, ...details });

/** Five examples, of which those at `broken` reject. */
const numbers = (...broken: number[]): Dataset<number> => ({
  size: 5,
  get: async (index) => {
    if (broken.includes(index)) throw bad('data/bad-record');
    return index;
  },
});

describe('soundExample', () => {
  it('takes the next that is sound, the first after the last', async () => {
    const { example, broken } = await soundExample(numbers(3, 4, 0), 3, 3);
    expect(example).toBe(1);
    expect(broken.map(({ index }) => index)).toEqual([3, 4, 0]);
    expect(await soundExample(numbers(3), 2, 0)).toEqual({ example: 2, broken: [] });
  });

  it('passes over as many as are allowed, each once', async () => {
    for (const [most, tried] of [
      [0, 1],
      [1, 2],
      [9, 5],
    ] as const) {
      const found = await soundExample(numbers(0, 1, 2, 3, 4), 2, most);
      expect(found.example).toBeUndefined();
      expect(found.broken).toHaveLength(tried);
    }
  });

  it('rejects with what is no fault of the example', async () => {
    const failing = { size: 2, get: () => Promise.reject(new Error('the disk')) };
    await expect(soundExample(failing, 0, 5)).rejects.toThrow('the disk');
  });
});

it('soundDataset has an example at every index, or says what is wrong', async () => {
  expect(await soundDataset(numbers(1, 2), 2).get(1)).toBe(3);
  await expect(soundDataset(numbers(1, 2), 1).get(1)).rejects.toThrow(bad('data/bad-record'));
});

it.each([
  ['a broken record', bad('data/bad-record'), true],
  ['a broken picture', new ImageError({ code: 'image/invalid', ...details }), true],
  ['an index that there is not', bad('data/index'), false],
  ['a package that is missing', new ImageError({ code: 'image/needs-sharp', ...details }), false],
  ['a disk that fails', new IoError({ code: 'io/read', ...details }), false],
  ['anything else', new TypeError('x'), false],
])('isExampleError knows %s', (_, error, expected) => {
  expect(isExampleError(error)).toBe(expected);
  const { code, where, got } = { code: 'data/bad-image', where: 'a', got: 'b' };
  const wrapped = new DataError({ code, where, expected: 'c', got, cause: error });
  const isMissing = (error as { code?: string }).code === 'image/needs-sharp';
  expect(isExampleError(wrapped)).toBe(!isMissing);
});
