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
import { mixBatch } from './mix-batch.js';
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

describe('mixBatch', () => {
  const side = 8;
  const plain = (value: number) => ({
    width: side,
    height: side,
    data: new Float32Array(3 * side * side).fill(value),
  });
  const images = [plain(0), plain(1), plain(2)];
  const labels = [0, 1, 2];
  const rows = (targets: Float32Array) =>
    [0, 1, 2].map((i) => [...targets.subarray(3 * i, 3 * i + 3)]);

  it('mixes pixels and labels by the same share', () => {
    const options = { classes: 3, mixup: 0.8, smoothing: 0 };
    const { images: mixed, targets, share } = mixBatch(images, labels, options, 1, 2);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    expect(mixed[0]!.data[5]).toBeCloseTo(2 * (1 - share), 5);
    expect(mixed[2]!.data[5]).toBeCloseTo(2 * share, 5);
    expect(mixed[1]!.data[5]).toBeCloseTo(1, 5);
    expect(rows(targets)[0]![0]).toBeCloseTo(share, 6);
    expect(rows(targets)[0]![2]).toBeCloseTo(1 - share, 6);
    expect(rows(targets)[1]).toEqual([0, 1, 0]);
    const again = mixBatch(images, labels, options, 1, 2);
    expect([again.share, again.targets]).toEqual([share, targets]);
    expect(mixBatch(images, labels, options, 1, 3).share).not.toBe(share);
  });

  it('cuts a rectangle whose area is the share that left', () => {
    for (let step = 0; step < 30; step++) {
      const options = { classes: 3, cutmix: 1 };
      const { images: mixed, targets, share } = mixBatch(images, labels, options, 1, step);
      const plane = mixed[0]!.data.subarray(0, side * side);
      const own = plane.filter((value) => value === 0).length;
      expect(own + plane.filter((value) => value === 2).length).toBe(side * side);
      expect(own / side ** 2).toBeCloseTo(share, 10);
      for (const row of rows(targets)) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    }
  });

  it('takes either, and Beta(α, α) has the variance 1 / (4 (2α + 1))', () => {
    const shares = Array.from(
      { length: 2000 },
      (_, step) => mixBatch([plain(0)], [0], { classes: 1, mixup: 0.8 }, 7, step).share,
    );
    const mean = shares.reduce((a, b) => a + b) / shares.length;
    const variance = shares.reduce((a, b) => a + (b - mean) ** 2, 0) / shares.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1 / (4 * 2.6))).toBeLessThan(0.008);
    const isCut = Array.from({ length: 400 }, (_, step) => {
      const { images: mixed } = mixBatch(
        images,
        labels,
        { classes: 3, mixup: 0.8, cutmix: 1 },
        7,
        step,
      );
      return mixed[0]!.data.every((value) => value === 0 || value === 2);
    }).filter(Boolean).length;
    expect(Math.abs(isCut - 200)).toBeLessThan(50);
  });

  it('smooths labels, also where nothing is mixed', () => {
    const {
      targets,
      share,
      images: same,
    } = mixBatch(images, labels, { classes: 3, smoothing: 0.3 }, 1, 1);
    expect([share, same]).toEqual([1, images]);
    expect(rows(targets)[0]!.map((v) => Number(v.toFixed(5)))).toEqual([0.8, 0.1, 0.1]);
    expect(mixBatch(images, labels, { classes: 3, mixup: 1, probability: 0 }, 1, 1).share).toBe(1);
  });

  it('refuses batches and options that do not fit', () => {
    const mix =
      (l: number[], options: object, i = images) =>
      () =>
        mixBatch(i, l, { classes: 3, ...options }, 1, 1);
    expect(mix([0, 1, 3], {})).toThrow('labels 0 … 2, got 3');
    expect(mix([0, 1], {})).toThrow('2 labels');
    expect(mix(labels, {}, [plain(1), plain(1), { ...plain(1), width: 4, height: 16 }])).toThrow(
      'sizes',
    );
    expect(mix(labels, { mixup: -1 })).toThrow('mixup to be at least 0');
    expect(mix(labels, { smoothing: 2 })).toThrow('at most 1');
    expect(mix(labels, { mixUp: 1 })).toThrow('mixUp');
  });
});
