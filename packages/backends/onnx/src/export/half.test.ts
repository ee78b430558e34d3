import { toFloat32 } from '@imglish/core';
import { expect, it } from 'vitest';
import { float16Bits, toFloat16 } from './half.js';

const widen = (...bits: number[]) => [...toFloat32('test', 'F16', Uint16Array.from(bits))];

it('every float16 comes back as it was', () => {
  const all = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
  const isNaN16 = (bits: number) => (bits & 0x7fff) > 0x7c00;
  const back = toFloat16(toFloat32('test', 'F16', all));
  expect(back.filter((bits, i) => bits !== i && !isNaN16(i))).toEqual(new Uint16Array());
  expect(back.filter((bits, i) => isNaN16(i) && !isNaN16(bits))).toEqual(new Uint16Array());
});

it('what lies between two goes to the nearer, in the middle to the even one', () => {
  const wrong: number[] = [];
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = widen(bits, bits + 1) as [number, number];
    const middle = (low + high) / 2;
    const step = (high - low) * 1e-3;
    const even = bits % 2 === 0 ? bits : bits + 1;
    const rounded = [middle - step, middle, middle + step, -middle].map(float16Bits);
    if (rounded.join() !== [bits, even, bits + 1, even + 0x8000].join()) wrong.push(bits);
  }
  expect(wrong).toEqual([]);
});

it('beyond its range is infinity', () => {
  expect([65504, 65519.99, 65520, 1e30].map(float16Bits)).toEqual([0x7bff, 0x7bff, 0x7c00, 0x7c00]);
  expect(float16Bits(-1e8)).toBe(0xfc00);
});
