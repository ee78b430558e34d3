import { readFileSync } from 'node:fs';
import { ConfigError, ImageError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { decodePng } from './png/decode-png.js';
import { type Resample, resize } from './resize.js';

const read = (path: string) => decodePng(readFileSync(new URL(path, import.meta.url)));
const image = read('../../../../fixtures/golden/preprocess/rgb_53x37.png');

describe('resize', () => {
  // METHOD_WIDTHxHEIGHT.png holds what Pillow 9.5 makes of the picture.
  const cases = (['bicubic', 'bilinear', 'nearest'] as const).flatMap((method) =>
    [
      [20, 61],
      [90, 10],
      [53, 12],
    ].map(([width, height]) => [method, width, height] as [Resample, number, number]),
  );
  it.each(cases)('%s to %i × %i is exactly that of Pillow', (method, width, height) => {
    const expected = read(`../../test-data/resize/${method}_${width}x${height}.png`);
    expect(resize(image, width, height, method)).toEqual(expected);
  });

  it('gives a copy where the size is the same', () => {
    const same = resize(image, image.width, image.height);
    expect(same).toEqual(image);
    expect(same.data).not.toBe(image.data);
  });

  it('refuses sizes and methods that are none', () => {
    for (const [width, height] of [
      [0, 4],
      [4, 1.5],
      [-1, 4],
      [2 ** 20, 2 ** 20],
    ] as [number, number][]) {
      expect(() => resize(image, width, height)).toThrow(ImageError);
    }
    expect(() => resize(image, 4, 4, 'lanczos' as Resample)).toThrow(ConfigError);
    expect(() => resize({ ...image, width: 52 }, 4, 4)).toThrow(ImageError);
  });
});
