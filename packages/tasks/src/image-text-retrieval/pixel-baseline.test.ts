import type { PairExample } from '@imglish/core';
import { expect, it } from 'vitest';
import { pixelBaseline } from './pixel-baseline.js';

const colours: [string, [number, number, number]][] = [
  ['red', [220, 30, 30]],
  ['green', [30, 200, 40]],
  ['blue', [20, 40, 210]],
];

/** A plain picture with a darker left half, and a caption that names its colour. */
function picture(index: number, shade: number): PairExample {
  const [name, colour] = colours[index % colours.length]!;
  const data = new Uint8Array(3 * 16 * 16);
  for (let i = 0; i < data.length; i++) {
    const left = (i / 3) % 16 < 8 ? 0.5 : 1;
    data[i] = Math.min(255, colour[i % 3]! * left + shade);
  }
  return {
    id: `${index}`,
    image: { width: 16, height: 16, data },
    captions: [`a ${name} wall`, `everything is ${name}`],
  };
}

const dataset = (examples: PairExample[]) => ({
  size: examples.length,
  get: async (index: number) => examples[index]!,
});

it('finds what training images near in pixels are called', async () => {
  const training = dataset(Array.from({ length: 60 }, (_, i) => picture(i, i % 7)));
  const data = dataset([0, 1, 2].map((i) => picture(i, 9)));
  const scores = await pixelBaseline(data, training);
  expect(scores['textR@1']).toBe(1);
  expect(scores['imageR@1']).toBe(1);
});

it('knows nothing where words and pixels have nothing to do with each other', async () => {
  const training = dataset(
    Array.from({ length: 60 }, (_, i) => ({
      ...picture(i, i % 7),
      captions: [`a ${colours[Math.floor(i / 3) % 3]![0]} wall`],
    })),
  );
  const data = dataset([0, 1, 2].map((i) => picture(i, 9)));
  const { 'imageR@1': recall } = await pixelBaseline(data, training);
  expect(recall).toBeLessThan(1);
});
