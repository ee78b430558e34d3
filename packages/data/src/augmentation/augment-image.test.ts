import { draw, type RgbImage } from '@imglish/core';
import { toImage } from '@imglish/tokenizers';
import { describe, expect, it } from 'vitest';
import {
  type Augmentation,
  augmentImage,
  imagenetAugmentation,
  pretrainingAugmentation,
  visionLanguageAugmentation,
} from './augment-image.js';
import { eraseRandomly } from './random-erasing.js';

const noise = draw(9, 'picture');
const picture: RgbImage = {
  width: 40,
  height: 30,
  data: Uint8Array.from({ length: 3600 }, () => noise.integer(256)),
};
const key = { seed: 1, epoch: 2, index: 3 };

describe('augmentImage', () => {
  const recipes: [string, Augmentation][] = [
    ['ImageNet', imagenetAugmentation(16)],
    ['questions', visionLanguageAugmentation([16, 24], { randAugment: true })],
    ['pretraining', pretrainingAugmentation(16)],
  ];
  it.each(recipes)('gives the same for a key, another for others: %s', (_, augmentation) => {
    const of = (more: object) =>
      String(augmentImage(picture, augmentation, { ...key, ...more }).data);
    expect(of({})).toBe(of({}));
    const others = [{}, { seed: 2 }, { epoch: 3 }, { index: 4 }, { picture: 1 }].map(of);
    expect(new Set(others).size).toBe(others.length);
    const { width, height } = augmentImage(picture, augmentation, key);
    expect([height, width]).toEqual([16, augmentation.size === 16 ? 16 : 24]);
  });

  it('flips half of the pictures, all or none', () => {
    const half: RgbImage = { width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 255, 255, 255) };
    const crop = { scale: [1, 1], ratio: [2, 2] } as const;
    const flipped = (flip?: number) =>
      Array.from({ length: 200 }, (_, index) => {
        const augmentation = { size: [1, 2], crop, ...(flip !== undefined && { flip }) } as const;
        return toImage(augmentImage(half, augmentation, { ...key, index })).data[0] === 255;
      }).filter(Boolean).length;
    expect([flipped(0), flipped(1)]).toEqual([0, 200]);
    expect(Math.abs(flipped() - 100)).toBeLessThan(30);
  });

  it('refuses what makes no sense', () => {
    const bad: object[] = [
      { crop: { scale: [0, 1] } },
      { crop: { ratio: [2, 1] } },
      { flip: 2 },
      { erasing: -1 },
      { colorJitter: { contrast: -1 } },
    ];
    for (const more of bad) {
      expect(() => augmentImage(picture, { size: 8, ...more }, key)).toThrow('augmentImage');
    }
    const unknown = { size: 8, colorJitter: { hue: 0.1 } } as Augmentation;
    expect(() => augmentImage(picture, unknown, key)).toThrow('hue');
  });
});

describe('eraseRandomly', () => {
  it('puts noise into one rectangle of 2 to 33 %', () => {
    const size = 32;
    const pixels = { width: size, height: size, data: new Float32Array(3 * size * size).fill(5) };
    let squares = 0;
    let erased = 0;
    for (let i = 0; i < 300; i++) {
      const { data } = eraseRandomly(pixels, 0.5, draw(1, 'erase', 0, i));
      const at = [...data.keys()].filter((p) => data[p] !== 5);
      if (at.length === 0) continue;
      erased++;
      const inFirst = at.filter((p) => p < size * size);
      expect(at.length).toBe(3 * inFirst.length);
      const xs = inFirst.map((p) => p % size);
      const ys = inFirst.map((p) => Math.floor(p / size));
      const area =
        (Math.max(...xs) - Math.min(...xs) + 1) * (Math.max(...ys) - Math.min(...ys) + 1);
      expect(inFirst.length).toBe(area);
      expect(area / size ** 2).toBeGreaterThan(0.01);
      expect(area / size ** 2).toBeLessThan(0.36);
      squares += at.reduce((sum, p) => sum + data[p]! ** 2, 0) / at.length / 300;
    }
    expect(Math.abs(erased - 150)).toBeLessThan(35);
    expect(Math.abs(squares / (erased / 300) - 1)).toBeLessThan(0.1);
    expect(pixels.data.every((value) => value === 5)).toBe(true);
    expect(eraseRandomly(pixels, 0, draw(1, 'erase'))).toBe(pixels);
  });
});
