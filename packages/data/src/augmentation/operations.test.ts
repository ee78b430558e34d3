import { readFileSync } from 'node:fs';
import { draw, type RgbImage } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { type Affine, rotation, transformBicubic, transformBilinear } from './affine.js';
import { colorJitter } from './color-jitter.js';
import { brightness, contrast, saturation, sharpness } from './enhance.js';
import { flipHorizontally, randomResizedCrop } from './geometry.js';
import { imagenetPolicy, randAugment, visionLanguagePolicy } from './rand-augment.js';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './tone.js';

/** A picture and what Pillow 9.5 and BEiT-3's randaug.py (on OpenCV 4.6) make of it, as base64. */
interface Reference {
  width: number;
  height: number;
  image: string;
  /** How often the picture is repeated across and down for `equalize`, which needs many pixels. */
  tiles: [number, number];
  pillow: Record<string, string>;
  reference: Record<string, string>;
}
const file = new URL('../../test/augmentation.json', import.meta.url);
const { width, height, image, tiles, pillow, reference } = JSON.parse(
  readFileSync(file, 'utf8'),
) as Reference;
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const picture: RgbImage = { width, height, data: bytesOf(image) };
const fill = [124, 116, 104] as const;
const gray = [128, 128, 128] as const;

function tiled(): RgbImage {
  const [across, down] = tiles;
  const row = (y: number) =>
    picture.data.subarray(3 * (y % height) * width, 3 * ((y % height) + 1) * width);
  const data = new Uint8Array(3 * width * across * height * down);
  for (let y = 0; y < height * down; y++) {
    for (let x = 0; x < across; x++) data.set(row(y), 3 * width * (y * across + x));
  }
  return { width: width * across, height: height * down, data };
}

const byFactor = { brightness, contrast, saturation, sharpness, solarize, solarizeAdd, posterize };
const matrices: Record<string, (by: number) => Affine> = {
  shearX: (by) => [1, by, 0, 0, 1, 0],
  shearY: (by) => [1, 0, 0, by, 1, 0],
  translateX: (by) => [1, 0, by, 0, 1, 0],
  translateY: (by) => [1, 0, 0, 0, 1, by],
  rotate: (by) => rotation(picture, by),
};

function apply(name: string, bicubic: boolean): RgbImage {
  const [operation, amount] = name.split(' ') as [string, string];
  if (operation === 'equalize') return equalize(tiled());
  if (operation === 'autoContrast') return autoContrast(picture);
  if (operation === 'invert') return invert(picture);
  const factor = Number(amount);
  const matrix = matrices[operation];
  if (!matrix) return byFactor[operation as keyof typeof byFactor](picture, factor);
  if (bicubic) return transformBicubic(picture, matrix(factor), fill);
  // OpenCV is given the way from old to new pixels, for shears as for the reference's translations.
  return transformBilinear(picture, matrix(operation.startsWith('shear') ? -factor : factor), gray);
}

describe('operations on a picture', () => {
  it.each(Object.keys(pillow))('%s gives the bytes of Pillow', (name) => {
    expect(apply(name, true).data).toEqual(bytesOf(pillow[name]!));
  });

  it.each(Object.keys(reference))('%s gives the bytes of the reference', (name) => {
    expect(apply(name, false).data).toEqual(bytesOf(reference[name]!));
  });

  it('leave the picture they are given as it was', () => {
    const before = picture.data.slice();
    const policies = [imagenetPolicy, visionLanguagePolicy];
    for (const { operations } of policies) {
      for (const operation of Object.values(operations)) operation(picture, 9, draw(1, 'test'));
    }
    colorJitter(picture, { brightness: 1, contrast: 1, saturation: 1 }, draw(1, 'test'));
    expect(picture.data).toEqual(before);
  });

  it('have an end: a picture of one colour, and level 0', () => {
    const plain = { width: 4, height: 3, data: new Uint8Array(36).fill(77) };
    expect(autoContrast(plain)).toEqual(plain);
    expect(equalize(plain)).toEqual(plain);
    expect(contrast(plain, 1.7)).toEqual(plain);
    for (const name of ['shearX', 'rotate', 'translateY', 'brightness', 'solarize', 'color']) {
      const operation = imagenetPolicy.operations[name]!;
      expect(operation(picture, 0, draw(1, 'test')).data, name).toEqual(picture.data);
    }
  });
});

describe('RandAugment', () => {
  const named = (name: string) => visionLanguagePolicy.operations[name];

  it('has the operations of the reference', () => {
    expect(Object.keys(visionLanguagePolicy.operations)).toEqual([
      'identity',
      'autoContrast',
      'equalize',
      'brightness',
      'sharpness',
      'shearX',
      'shearY',
      'translateX',
      'translateY',
      'rotate',
    ]);
    expect(Object.keys(imagenetPolicy.operations)).toHaveLength(15);
    expect(named('color')).toBeUndefined();
  });

  it('draws two of them, each applied half of the time, both ways', () => {
    const applied: number[] = [];
    const keep = (level: number, value: RgbImage): RgbImage => {
      applied.push(level);
      return value;
    };
    const policy = {
      ...visionLanguagePolicy,
      operations: {
        one: (value: RgbImage, level: number) => keep(level, value),
        two: (value: RgbImage, level: number) => keep(-level, value),
      },
    };
    for (let i = 0; i < 1000; i++) randAugment(picture, policy, draw(5, 'test', 0, i));
    expect(new Set(applied)).toEqual(new Set([7, -7]));
    expect(Math.abs(applied.length - 1000)).toBeLessThan(80);
    expect(Math.abs(applied.filter((level) => level > 0).length - 500)).toBeLessThan(80);
    const shears = Array.from({ length: 20 }, (_, i) =>
      String(named('shearX')!(picture, 7, draw(5, 'test', 0, i)).data),
    );
    expect(new Set(shears).size).toBe(2);
  });

  it('varies levels where the policy does, within 0 … 10', () => {
    const levels: number[] = [];
    const one = (value: RgbImage, level: number): RgbImage => {
      levels.push(level);
      return value;
    };
    const operations = { one };
    const policy = { ...imagenetPolicy, operations, levelDeviation: 3 };
    for (let i = 0; i < 500; i++) randAugment(picture, policy, draw(5, 'test', 0, i));
    expect(Math.max(...levels)).toBe(10);
    expect(Math.min(...levels)).toBeGreaterThanOrEqual(0);
    expect(new Set(levels).size).toBeGreaterThan(100);
  });
});

describe('crops and flips', () => {
  it('flip back', () => {
    const flipped = flipHorizontally(picture);
    expect([...flipped.data.subarray(0, 3)]).toEqual([...picture.data.subarray(36, 39)]);
    expect(flipHorizontally(flipped)).toEqual(picture);
  });

  it('take all of a picture, or parts within the limits', () => {
    const whole = randomResizedCrop(picture, width, height, draw(1, 'test'), {
      scale: [1, 1],
      ratio: [width / height, width / height],
    });
    expect(whole).toEqual(picture);
    // Where no rectangle fits: the largest in the middle that has a fitting ratio.
    const tall: RgbImage = { width: 1, height: 9, data: picture.data.slice(0, 27) };
    const middle = randomResizedCrop(tall, 1, 1, draw(1, 'test'), { scale: [0.5, 1] });
    expect(middle.data).toEqual(tall.data.slice(12, 15));
    const sizes = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const part = randomResizedCrop(picture, 6, 6, draw(1, 'test', 0, i), { scale: [0.2, 0.5] });
      expect([part.width, part.height]).toEqual([6, 6]);
      sizes.add(part.data[0]!);
    }
    expect(sizes.size).toBeGreaterThan(10);
  });
});
