import { describe, expect, it } from 'vitest';
import { free } from '../../test/graphs.js';
import { showSize } from '../graph/size.js';
import { addSizes, multiplySizes, productOf } from './size-arithmetic.js';

const [a, b] = [free('a'), free('b')];

describe('sizes', () => {
  it('add up', () => {
    expect(showSize(addSizes(addSizes(a, 3), addSizes(a, b)))).toBe('2*a + b + 3');
    expect(addSizes(addSizes(a, 5), multiplySizes(a, -1))).toBe(5);
    expect(addSizes(a, multiplySizes(-1, a))).toBe(0);
    expect(addSizes(2, 3)).toBe(5);
  });

  it('multiply', () => {
    expect(showSize(multiplySizes(addSizes(a, 1), addSizes(b, 2)))).toBe('a*b + 2*a + b + 2');
    expect(showSize(productOf([b, a, 4]))).toBe('4*a*b');
    expect(multiplySizes(a, 0)).toBe(0);
    expect(productOf([])).toBe(1);
  });
});
