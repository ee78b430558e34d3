import { draw } from '@imglish/core';
import type { Given } from './one-node.js';

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Normal numbers, of both signs. */
export function floats(shape: readonly number[], seed = 1, scale = 1): Given {
  const random = draw(seed, 'kernel test');
  const values = Array.from({ length: sizeOf(shape) }, () => Math.fround(scale * random.normal()));
  return { shape, dtype: 'float32', values };
}

/** Whole numbers from `low` to `high`, both included, duplicates among them. */
export function integers(shape: readonly number[], low: number, high: number, seed = 2): Given {
  const random = draw(seed, 'kernel test');
  const values = Array.from({ length: sizeOf(shape) }, () => low + random.integer(high - low + 1));
  return { shape, dtype: 'int32', values };
}

export function booleans(shape: readonly number[], seed = 3): Given {
  return { ...integers(shape, 0, 1, seed), dtype: 'bool' };
}

/** These very values, as a list or shaped. */
export function exactly(
  values: readonly number[],
  dtype: Given['dtype'] = 'float32',
  shape: readonly number[] = [values.length],
): Given {
  return { shape, dtype, values };
}
