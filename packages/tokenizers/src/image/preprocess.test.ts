import { ConfigError, draw, ImageError, type RgbImage } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { centerCrop, crop } from './crop.js';
import { toImage } from './pixels.js';
import { preprocessImage } from './preprocess.js';
import {
  defaultPreprocessor,
  imagenetPreprocessor,
  parsePreprocessorConfig,
} from './preprocessor-config.js';

function image(width: number, height: number): RgbImage {
  const random = draw(0, 'preprocess', width, height);
  return {
    width,
    height,
    data: Uint8Array.from({ length: 3 * width * height }, () => random.integer(256)),
  };
}

describe('preprocessImage', () => {
  it('stretches to any size', () => {
    const pixels = preprocessImage(image(30, 20), defaultPreprocessor([16, 48]));
    expect([pixels.height, pixels.width, pixels.data.length]).toEqual([16, 48, 3 * 16 * 48]);
  });

  it('keeps the middle, with more around it where cropPct is below 1', () => {
    const wide = image(200, 100);
    const config = { ...imagenetPreprocessor(48), cropPct: 0.75 };
    const pixels = preprocessImage(wide, config);
    expect([pixels.height, pixels.width]).toEqual([48, 48]);
    const whole = toImage(preprocessImage(wide, defaultPreprocessor([64, 128])));
    expect(toImage(pixels, config)).toEqual(crop(whole, 40, 8, 48, 48));
  });

  it('takes small ImageNet pictures as they are', () => {
    const small = image(20, 31);
    const config = imagenetPreprocessor(32);
    expect(toImage(preprocessImage(small, config), config)).toEqual(small);
  });
});

describe('crop', () => {
  it('rounds half an offset to the even side', () => {
    const row = (width: number) => ({
      width,
      height: 1,
      data: Uint8Array.from({ length: 3 * width }, (_, i) => Math.floor(i / 3)),
    });
    // (7 − 6) / 2 = 0.5 → 0; (9 − 6) / 2 = 1.5 → 2; (8 − 6) / 2 = 1.
    expect(centerCrop(row(7), 6, 1).data[0]).toBe(0);
    expect(centerCrop(row(9), 6, 1).data[0]).toBe(2);
    expect(centerCrop(row(8), 6, 1).data[0]).toBe(1);
  });

  it('refuses boxes that reach out', () => {
    for (const [left, top, width, height] of [
      [-1, 0, 2, 2],
      [0, 0, 6, 1],
      [0, 4, 1, 1],
      [0.5, 0, 1, 1],
      [0, 0, 0, 1],
    ] as [number, number, number, number][]) {
      expect(() => crop(image(5, 4), left, top, width, height)).toThrow(ImageError);
    }
    expect(() => centerCrop(image(5, 4), 6, 4)).toThrow(ImageError);
  });
});

describe('parsePreprocessorConfig', () => {
  it('fills in defaults and survives JSON', () => {
    const config = parsePreprocessorConfig({ size: 224 });
    expect(config).toEqual({
      size: 224,
      mode: 'stretch',
      resample: 'bicubic',
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      cropPct: 1,
    });
    for (const own of [config, imagenetPreprocessor(384), defaultPreprocessor([32, 64])]) {
      expect(parsePreprocessorConfig(JSON.parse(JSON.stringify(own)))).toEqual(own);
    }
  });

  it('refuses anything else', () => {
    const wrong: unknown[] = [
      null,
      [],
      7,
      {},
      { size: 0 },
      { size: [1, 2, 3] },
      { size: 8, sise: 8 },
      { size: 8, mode: 'squash' },
      { size: 8, resample: 'lanczos' },
      { size: [8, 9], mode: 'center-crop' },
      { size: 8, mean: [0, 0] },
      { size: 8, mean: [0, 0, '0'] },
      { size: 8, std: [1, 0, 1] },
      { size: 8, mode: 'center-crop', cropPct: 0 },
      { size: 8, cropPct: 0.9 },
    ];
    for (const json of wrong) {
      expect(() => parsePreprocessorConfig(json), JSON.stringify(json)).toThrow(ConfigError);
    }
  });
});
