import { draw, elementCount } from '@imglish/core';
import { expect, it } from 'vitest';
import { float16Weight, float32Weight, quantized, type Weight } from './weight.js';
import type { WeightSource } from './weight-source.js';

/** Rows of different magnitude, one of them of zeros; the largest number of values that was asked for. */
function matrix(shape: [number, number]): {
  weight: Weight;
  values: Float32Array;
  asked: () => number;
} {
  const random = draw(1, 'weight test');
  const values = Float32Array.from({ length: elementCount(shape) }, (_, i) => {
    const row = Math.floor(i / shape[1]);
    return row === 1 ? 0 : random.normal() * 10 ** (row % 5);
  });
  let most = 0;
  const source: WeightSource = {
    shape,
    read: async (offset, count) => {
      most = Math.max(most, count);
      return values.slice(offset, offset + count);
    },
  };
  return { weight: float32Weight('w', source), values, asked: () => most };
}

async function bytesOf(weight: Weight): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of weight.pieces()) pieces.push(piece.slice());
  const bytes = new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
  expect(bytes.byteLength).toBe(weight.bytes);
  return bytes;
}

const floatsOf = async (weight: Weight) => new Float32Array((await bytesOf(weight)).buffer);
const shape: [number, number] = [37, 29];

it.each([
  [0, 64],
  [0, 127],
  [1, 64],
] as const)(
  'int8 is within half a step, one for each index of axis %d, of %d steps',
  async (axis, levels) => {
    const { weight, values } = matrix(shape);
    const options = { axis, levels };
    const { scales, values: straight } = quantized('w', weight, options);
    const { values: turned } = quantized('w', weight, { ...options, transposed: true });
    expect([straight.shape, turned.shape, scales.shape]).toEqual([shape, [29, 37], [shape[axis]]]);
    const [steps, whole, across] = [
      await floatsOf(scales),
      new Int8Array((await bytesOf(straight)).buffer),
      new Int8Array((await bytesOf(turned)).buffer),
    ];
    for (const [i, value] of values.entries()) {
      const [row, column] = [Math.floor(i / 29), i % 29];
      const step = steps[axis === 0 ? row : column]!;
      expect(Math.abs(whole[i]! * step - value)).toBeLessThan(0.501 * step);
      expect(across[column * 37 + row]).toBe(whole[i]);
    }
    expect(Math.max(...whole.map(Math.abs))).toBe(levels);
    if (axis === 0) expect(steps[1]).toBe(1); // a row of zeros
  },
);

it('is read in pieces of at most 4 MiB, whole rows where rows matter', async () => {
  const large: [number, number] = [1500, 1000];
  const whole = matrix(large);
  const written = await floatsOf(whole.weight);
  expect(written.every((value, i) => value === whole.values[i])).toBe(true);
  expect(whole.asked()).toBe(2 ** 20);
  const rows = matrix(large);
  await bytesOf(quantized('w', rows.weight, { axis: 0, levels: 64 }).scales);
  expect(rows.asked()).toBe(1048 * 1000);
});

it('float16 refuses what it has no number for, naming the parameter', async () => {
  const source = { shape: [2], read: async () => Float32Array.of(1, 70000) };
  const weight = float16Weight('w:half', float32Weight('layer.weight', source));
  await expect(bytesOf(weight)).rejects.toMatchObject({
    code: 'backend/float16-range',
    expected: expect.stringContaining('layer.weight'),
    got: '70000',
  });
});
