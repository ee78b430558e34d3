import { windowOrder } from '@imglish/core';
import { expect, it } from 'vitest';
import { epochOrder } from './epoch-order.js';
import { sampleOrder } from './sample-order.js';

const numbers = Array.from({ length: 24 }, (_, i) => i);

it('mixes all of a data set without parts, and within windows where it has parts or a window', () => {
  const whole = sampleOrder({ size: 12 }, 1, 'order');
  expect(numbers.map(whole)).toEqual(numbers.map(epochOrder(1, 'order', 12)));
  const parts = [5, 7];
  const shards = sampleOrder({ size: 12, parts }, 1, 'order', 3);
  const expected = windowOrder(parts, { seed: 1, purpose: 'order', window: 3 });
  expect(numbers.map(shards)).toEqual(numbers.map(expected));
  const asked = sampleOrder({ size: 12 }, 1, 'order', 0);
  expect(numbers.map(asked)).toEqual(numbers.map((number) => number % 12));
  const first = numbers.slice(0, 12).map(sampleOrder({ size: 12, parts }, 1, 'order'));
  expect([...first].sort((a, b) => a - b)).toEqual(numbers.slice(0, 12));
});
