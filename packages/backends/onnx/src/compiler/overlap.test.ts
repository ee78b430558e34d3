import type { Region, RegionView } from '@imglish/core';
import { expect, it } from 'vitest';
import { refuseOverlaps } from './overlap.js';

const region = {} as Region;
const view = (offset: number, length: number): RegionView => {
  return { dtype: 'float32', shape: [length], region, offset };
};

it('lets parts lie within an output that is written over them, and no others', () => {
  const check = (part: RegionView, inPlace: [string, ...string[]]) =>
    refuseOverlaps('f', { x: view(2, 6), part }, { y: view(2, 6) }, { y: inPlace });
  const refused = expect.objectContaining({ code: 'backend/overlap' });
  check(view(2, 2), ['x', 'part']);
  check(view(5, 3), ['x', 'part']);
  check(view(8, 3), ['x']);
  expect(() => check(view(5, 3), ['x'])).toThrow(refused);
  expect(() => check(view(1, 3), ['x', 'part'])).toThrow(refused);
  expect(() => check(view(7, 2), ['x', 'part'])).toThrow(refused);
});
