import { readdirSync, readFileSync } from 'node:fs';
import { draw } from '@imglish/core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePng } from '../png/decode-png.js';
import { decodeJpeg } from './decode-jpeg.js';

const folder = new URL('../../../test-data/jpeg/', import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));

const sizes: [number, number][] = [
  [1, 1],
  [2, 17],
  [16, 16],
  [33, 8],
  [127, 95],
  [200, 201],
];

// NAME.expected.png holds what Pillow 13 (libjpeg-turbo 3.2) decodes from NAME.jpg.
describe('decodeJpeg', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
  it.each(names)('decodes %s to the pixels of libjpeg', (name) => {
    const image = decodeJpeg(read(name));
    const expected = decodePng(read(name.replace('.jpg', '.expected.png')));
    expect([image.width, image.height]).toEqual([expected.width, expected.height]);
    expect(image.data).toEqual(expected.data);
  });

  it('equals libjpeg on larger pictures of any size and sampling', async () => {
    for (const [i, [width, height]] of sizes.entries()) {
      const random = draw(0, 'jpeg test', i);
      const [a, b] = [random.uniform(), random.uniform()];
      const data = Uint8Array.from({ length: 3 * width * height }, (_, k) => {
        const pixel = Math.floor(k / 3);
        const wave = Math.sin(a * (pixel % width) + b * (pixel / width) + (k % 3));
        return 128 + 100 * wave + random.integer(27);
      });
      const raw = sharp(data, { raw: { width, height, channels: 3 } });
      for (const chromaSubsampling of ['4:2:0', '4:4:4']) {
        for (const progressive of [false, true]) {
          const options = { chromaSubsampling, progressive, quality: 60 + 5 * i };
          const bytes = await raw.clone().jpeg(options).toBuffer();
          const expected = await sharp(bytes).raw().toBuffer();
          expect(Buffer.compare(decodeJpeg(bytes).data, expected)).toBe(0);
        }
      }
    }
  });

  it('does without the end marker where a sequential picture is whole', () => {
    const bytes = read('422.jpg');
    expect(decodeJpeg(bytes.subarray(0, -2))).toEqual(decodeJpeg(bytes));
  });

  it('refuses what is damaged, cut short, too large or of another kind, by code', () => {
    const sof = (name: string) => {
      const bytes = read(name);
      const at = bytes.findIndex((b, i) => b === 0xff && [0xc0, 0xc2].includes(bytes[i + 1]!));
      return { bytes, at };
    };
    const changed = (offset: number, value: number, name = '422.jpg') => {
      const { bytes, at } = sof(name);
      bytes[at + offset] = value;
      return bytes;
    };
    const cases: [string, Uint8Array, object?][] = [
      ['corrupt', Uint8Array.of(0xff, 0xd9)],
      ['corrupt', changed(8, 0)],
      ['corrupt', changed(11, 0x51)],
      ['corrupt', changed(13, 1)],
      ['truncated', Uint8Array.of(0xff, 0xd8)],
      ['truncated', read('422.jpg').subarray(0, 900)],
      ['truncated', read('420-progressive.jpg').subarray(0, -2)],
      ['truncated', changed(5, 0x30)],
      ['too-large', changed(5, 0xff), { maxPixels: 1e6 }],
      ['too-large', read('422.jpg'), { maxPixels: 45 * 31 - 1 }],
      // Arithmetic coding, 12 bits, no height, sampling of 3 beside 2.
      ['unsupported', changed(1, 0xc9)],
      ['unsupported', changed(4, 12)],
      ['unsupported', changed(6, 0)],
      ['unsupported', changed(11, 0x31).with(sof('422.jpg').at + 14, 0x21)],
    ];
    for (const [code, bytes, options] of cases) {
      const error = expect.objectContaining({ code: `image/${code}` });
      expect(() => decodeJpeg(bytes, options)).toThrow(error);
    }
  });
});
