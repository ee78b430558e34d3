import { draw, ImageError, type RgbImage } from '@imglish/core';
import { zlibSync } from 'fflate';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePng } from './decode-png.js';
import { encodePng } from './encode-png.js';
import { crc32 } from './png-format.js';

function randomImage(width: number, height: number, seed = 0): RgbImage {
  const random = draw(seed, 'png test');
  const data = Uint8Array.from({ length: 3 * width * height }, () => random.integer(256));
  return { width, height, data };
}

function chunk(type: string, data: ArrayLike<number>): number[] {
  const body = Uint8Array.from([...new TextEncoder().encode(type), ...Array.from(data)]);
  const word = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  return [...word(data.length), ...body, ...word(crc32(body))];
}

interface Parts {
  width: number;
  height: number;
  depth: number;
  type: number;
  interlace?: number;
  before?: number[];
  rows: ArrayLike<number>;
}

function png({ width, height, depth, type, interlace = 0, before = [], rows }: Parts): Uint8Array {
  return Uint8Array.from([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...chunk(
      'IHDR',
      [0, 0, width >> 8, width & 255, 0, 0, height >> 8, height & 255].concat([
        depth,
        type,
        0,
        0,
        interlace,
      ]),
    ),
    ...before,
    ...chunk('IDAT', zlibSync(Uint8Array.from(rows))),
    ...chunk('IEND', []),
  ]);
}

describe('decodePng', () => {
  it('reads what libpng writes: filters, interlacing, palettes, 8 and 16 bits', async () => {
    for (const [width, height] of [
      [1, 1],
      [3, 2],
      [5, 9],
      [33, 17],
    ] as const) {
      const image = randomImage(width, height, width);
      const raw = sharp(image.data, { raw: { width, height, channels: 3 } });
      for (const progressive of [false, true]) {
        const adaptive = { progressive, adaptiveFiltering: true };
        expect(decodePng(await raw.clone().png(adaptive).toBuffer())).toEqual(image);
        const wide = await raw.clone().toColourspace('rgb16').png(adaptive).toBuffer();
        expect(decodePng(wide)).toEqual(image);
        const palette = await raw
          .clone()
          .png({ palette: true, colours: 16, ...adaptive })
          .toBuffer();
        const expected = await sharp(palette).removeAlpha().raw().toBuffer();
        expect(decodePng(palette).data).toEqual(new Uint8Array(expected));
        const gray = await raw.clone().grayscale().png(adaptive).toBuffer();
        const lit = await sharp(gray).toColourspace('srgb').raw().toBuffer();
        expect(decodePng(gray).data).toEqual(new Uint8Array(lit));
      }
    }
  });

  it('spreads gray samples of 1, 2 and 4 bits over 0 … 255', () => {
    const first = (depth: number, byte: number, width: number) =>
      [...decodePng(png({ width, height: 1, depth, type: 0, rows: [0, byte] })).data].filter(
        (_, i) => i % 3 === 0,
      );
    expect(first(1, 0b10100000, 3)).toEqual([255, 0, 255]);
    expect(first(2, 0b00011011, 4)).toEqual([0, 85, 170, 255]);
    expect(first(4, 0x3f, 2)).toEqual([51, 255]);
  });

  it('keeps the high byte of 16 bits', () => {
    const rows = [0, 0x12, 0xff, 0x80, 0x00];
    expect([...decodePng(png({ width: 2, height: 1, depth: 16, type: 0, rows })).data]).toEqual([
      0x12, 0x12, 0x12, 0x80, 0x80, 0x80,
    ]);
  });

  it('drops alpha, or blends it over a background', () => {
    const rgba = png({
      width: 2,
      height: 1,
      depth: 8,
      type: 6,
      rows: [0, 10, 20, 30, 0, 100, 0, 0, 51],
    });
    expect([...decodePng(rgba).data]).toEqual([10, 20, 30, 100, 0, 0]);
    const blended = decodePng(rgba, { background: [255, 200, 0] });
    expect([...blended.data]).toEqual([255, 200, 0, 224, 160, 0]);
  });

  it('knows transparent colours and palette entries', () => {
    const background = [9, 9, 9] as const;
    const gray = png({
      width: 3,
      height: 1,
      depth: 2,
      type: 0,
      before: chunk('tRNS', [0, 2]),
      rows: [0, 0b00101100],
    });
    expect([...decodePng(gray, { background }).data]).toEqual([0, 0, 0, 9, 9, 9, 255, 255, 255]);
    expect([...decodePng(gray).data]).toEqual([0, 0, 0, 170, 170, 170, 255, 255, 255]);
    const palette = png({
      width: 2,
      height: 1,
      depth: 8,
      type: 3,
      before: [...chunk('PLTE', [1, 2, 3, 4, 5, 6]), ...chunk('tRNS', [0])],
      rows: [0, 0, 1],
    });
    expect([...decodePng(palette, { background }).data]).toEqual([9, 9, 9, 4, 5, 6]);
    expect([...decodePng(palette).data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('refuses what is damaged, cut short, too large or not a PNG, by code', () => {
    const good = png({ width: 2, height: 2, depth: 8, type: 0, rows: [0, 1, 2, 0, 3, 4] });
    const with_ = (change: (bytes: Uint8Array) => void) => {
      const bytes = good.slice();
      change(bytes);
      return bytes;
    };
    const fresh = { width: 2, height: 2, depth: 8, type: 0, rows: [0, 1, 2, 0, 3, 4] };
    const cases: [string, Uint8Array, object?][] = [
      ['image/corrupt', Uint8Array.of(1, 2, 3)],
      ['image/corrupt', with_((b) => b.set([1], 20))],
      ['image/corrupt', png({ ...fresh, type: 5 })],
      ['image/corrupt', png({ ...fresh, width: 0 })],
      ['image/corrupt', png({ ...fresh, rows: [5, 1, 2, 0, 3, 4] })],
      ['image/corrupt', png({ ...fresh, type: 3 })],
      ['image/truncated', png({ ...fresh, rows: [0, 1, 2, 0, 3] })],
      ['image/truncated', good.subarray(0, 50)],
      ['image/truncated', good.subarray(0, 33)],
      ['image/truncated', png({ ...fresh, width: 20000, height: 200 })],
      ['image/too-large', png({ ...fresh, width: 65535, height: 65535 })],
      ['image/too-large', good, { maxPixels: 3 }],
      ['image/unsupported', png({ ...fresh, interlace: 2 })],
      ['image/unsupported', png({ ...fresh, before: chunk('ABCD', []) })],
    ];
    for (const [code, bytes, options] of cases) {
      expect(() => decodePng(bytes, options)).toThrow(expect.objectContaining({ code }));
    }
    expect(() => decodePng(good, { maxPixel: 3 } as object)).toThrow(/nearest: "maxPixels"/);
  });

  it('passes by chunks it need not know and whatever follows the last row', () => {
    const bytes = png({
      width: 1,
      height: 1,
      depth: 8,
      type: 0,
      before: chunk('tEXt', [1, 2, 3]),
      rows: [0, 7, 1, 2, 3, 4, 5],
    });
    expect([...decodePng(bytes).data]).toEqual([7, 7, 7]);
  });
});

describe('encodePng', () => {
  it('gives a PNG that libpng and decodePng read back', async () => {
    const smooth = randomImage(40, 30);
    for (let i = 0; i < smooth.data.length; i++) smooth.data[i] = i / 16;
    for (const image of [randomImage(1, 1), randomImage(17, 5), smooth]) {
      const bytes = encodePng(image);
      expect(decodePng(bytes)).toEqual(image);
      const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height, info.channels]).toEqual([image.width, image.height, 3]);
      expect(new Uint8Array(data)).toEqual(image.data);
    }
    expect(encodePng(smooth).length).toBeLessThan(smooth.data.length / 10);
  });

  it('refuses data that do not fit the size', () => {
    const wrong = { width: 2, height: 2, data: new Uint8Array(11) };
    expect(() => encodePng(wrong)).toThrow(ImageError);
  });
});
