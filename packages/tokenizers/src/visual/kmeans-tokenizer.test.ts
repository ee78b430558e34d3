import { ConfigError, draw, ImageError, type RgbImage, TokenizerError } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { type Pixels, toPixels } from '../image/pixels.js';
import { KMeansTokenizer } from './kmeans-tokenizer.js';
import { trainKMeansTokenizer } from './train-kmeans-tokenizer.js';
import type { VisualTokenizer } from './visual-tokenizer.js';

/** A picture of coloured discs. */
function picture(seed: number, width = 32, height = 32): Pixels {
  const random = draw(seed, 'discs');
  const data = new Uint8Array(3 * width * height).fill(random.integer(256));
  for (let n = 0; n < 4; n++) {
    const [cx, cy, r] = [random.integer(width), random.integer(height), 4 + random.integer(8)];
    const color = [random.integer(256), random.integer(256), random.integer(256)];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if ((x - cx) ** 2 + (y - cy) ** 2 < r * r) data.set(color, 3 * (y * width + x));
      }
    }
  }
  const image: RgbImage = { width, height, data };
  return toPixels(image);
}

const pictures = Array.from({ length: 60 }, (_, i) => picture(i));

function error(a: Pixels, b: Pixels): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  return sum / a.data.length;
}

describe('trainKMeansTokenizer', () => {
  it('learns codes that give pictures back, better with more of them', async () => {
    const errors: number[] = [];
    for (const codes of [1, 16, 128]) {
      const { tokenizer, report } = await trainKMeansTokenizer(pictures, { codes, patchSize: 4 });
      const own = pictures.map((pixels) => {
        const grid = tokenizer.grid(pixels.height, pixels.width);
        return error(pixels, tokenizer.decode(tokenizer.encode(pixels), grid));
      });
      const mean = own.reduce((sum, e) => sum + e, 0) / own.length;
      expect(report.meanSquaredError).toBeCloseTo(mean, 4);
      expect(report.patches).toBe(60 * 64);
      expect(report.seenPatches).toBe(60 * 64);
      expect(report.usage.reduce((sum, n) => sum + n, 0)).toBe(60 * 64);
      expect(report.usedCodes).toBe(codes);
      expect(report.perplexity).toBeGreaterThanOrEqual(1);
      expect(report.perplexity).toBeLessThanOrEqual(codes);
      errors.push(mean);
    }
    expect(errors[1]!).toBeLessThan(errors[0]! / 4);
    expect(errors[2]!).toBeLessThan(errors[1]! / 2);
  });

  it('serves pictures it has not seen, of any grid', async () => {
    const { tokenizer, report } = await trainKMeansTokenizer(pictures, {
      codes: 128,
      patchSize: 4,
    });
    const other = picture(1000, 40, 24);
    const codes = tokenizer.encode(other);
    expect(codes).toHaveLength(60);
    expect(tokenizer.grid(24, 40)).toEqual([6, 10]);
    const back = tokenizer.decode(codes, [6, 10]);
    expect([back.height, back.width]).toEqual([24, 40]);
    expect(error(other, back)).toBeLessThan(6 * report.meanSquaredError);
    // Codes are fixed points: the picture of a sentence reads as that sentence.
    expect(tokenizer.encode(back)).toEqual(codes);
  });

  it('reads a stream once, and samples it where it is long', async () => {
    async function* stream() {
      yield* pictures;
    }
    const all = await trainKMeansTokenizer(stream(), { codes: 16, patchSize: 4 });
    const same = await trainKMeansTokenizer(pictures, { codes: 16, patchSize: 4 });
    expect(all.tokenizer.toTensors()).toEqual(same.tokenizer.toTensors());
    const some = await trainKMeansTokenizer(stream(), { codes: 16, patchSize: 4, maxPatches: 500 });
    expect(some.report.patches).toBe(500);
    expect(some.report.seenPatches).toBe(60 * 64);
    expect(some.report.meanSquaredError).toBeLessThan(2 * all.report.meanSquaredError);
  });

  it('explains all of a single colour, and says that codes are dead', async () => {
    const plain = { height: 8, width: 8, data: new Float32Array(192).fill(0.25) };
    const { report } = await trainKMeansTokenizer([plain], { codes: 3, patchSize: 4 });
    expect(report.usedCodes).toBe(1);
    expect(report.perplexity).toBe(1);
    expect(report.explainedVariance).toBe(1);
    expect(report.meanSquaredError).toBe(0);
  });

  it('refuses what cannot be', async () => {
    const good = { codes: 4, patchSize: 4 };
    await expect(trainKMeansTokenizer([], good)).rejects.toMatchObject({
      code: 'tokenizer/too-few-patches',
    });
    await expect(trainKMeansTokenizer([picture(0, 30)], good)).rejects.toThrow(ImageError);
    const wrong = [
      { codes: 0 },
      { patchSize: 1.5 },
      { iterations: 0 },
      { maxPatches: 3 },
      { start: 'x' },
      { foo: 1 },
    ];
    for (const change of wrong) {
      const options = { ...good, ...change } as typeof good;
      await expect(trainKMeansTokenizer(pictures, options)).rejects.toThrow(ConfigError);
    }
  });
});

describe('KMeansTokenizer', () => {
  const black = new Float32Array(12).fill(-1);
  const red = Float32Array.of(1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1);
  const tokenizer = new KMeansTokenizer(2, Float32Array.of(...black, ...red));

  it('goes through JSON and tensors unchanged', () => {
    const config = JSON.parse(JSON.stringify(tokenizer));
    expect(config).toEqual({ type: 'kmeans', codes: 2, patchSize: 2 });
    const again: VisualTokenizer = KMeansTokenizer.fromTensors(config, tokenizer.toTensors());
    expect(again.toTensors()).toEqual(tokenizer.toTensors());
    expect(again.toTensors().codebook?.shape).toEqual([2, 12]);
    const pixels = tokenizer.decode(Int32Array.of(1, 0, 0, 1, 1, 0), [2, 3]);
    expect(again.encode(pixels)).toEqual(Int32Array.of(1, 0, 0, 1, 1, 0));
  });

  it('decodes row by row', () => {
    const { data, height, width } = tokenizer.decode(Int32Array.of(0, 1), [1, 2]);
    expect([height, width]).toEqual([2, 4]);
    expect([...data.subarray(0, 8)]).toEqual([-1, -1, 1, 1, -1, -1, 1, 1]);
    expect([...data.subarray(8)].every((value) => value === -1)).toBe(true);
  });

  it('refuses codes, grids and files that do not fit', () => {
    const code = (what: string) => expect.objectContaining({ code: `tokenizer/${what}` });
    expect(() => tokenizer.decode(Int32Array.of(0, 2), [1, 2])).toThrow(code('code'));
    expect(() => tokenizer.decode(Int32Array.of(0, -1), [1, 2])).toThrow(code('code'));
    expect(() => tokenizer.decode(Int32Array.of(0), [1, 2])).toThrow(code('grid'));
    expect(() => tokenizer.grid(5, 4)).toThrow(ImageError);
    expect(() => new KMeansTokenizer(2, new Float32Array(13))).toThrow(code('codebook'));
    expect(() => new KMeansTokenizer(2, new Float32Array(12).fill(Number.NaN))).toThrow(
      TokenizerError,
    );
    const tensors = tokenizer.toTensors();
    const config = tokenizer.toJSON();
    const { fromTensors } = KMeansTokenizer;
    for (const change of [{ codes: 3 }, { patchSize: 3 }, { type: 'vqkd' }, { patchSize: null }]) {
      expect(() => fromTensors({ ...config, ...change }, tensors)).toThrow(code('codebook'));
    }
    expect(() => fromTensors(config, {})).toThrow(code('codebook'));
    expect(() => fromTensors(config, { ...tensors, extra: tensors.codebook })).toThrow(
      code('codebook'),
    );
    expect(() => fromTensors({ ...config, code: 2 }, tensors)).toThrow(ConfigError);
  });
});
