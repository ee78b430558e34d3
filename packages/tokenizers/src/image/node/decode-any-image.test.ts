import { draw } from '@imglish/core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodePng } from '../png/encode-png.js';
import { decodeAnyImage } from './decode-any-image.js';

const text = (svg: string) => new TextEncoder().encode(svg);
const drawing = text(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10" width="20" height="10">
     <rect width="10" height="10" fill="#ff0000"/></svg>`,
);

describe('decodeAnyImage', () => {
  const random = draw(1, 'any');
  const data = Uint8Array.from({ length: 3 * 7 * 5 }, () => random.integer(256));
  const image = { width: 7, height: 5, data };
  const raw = sharp(data, { raw: { width: 7, height: 5, channels: 3 } });

  it('reads PNG by itself, WebP and GIF through sharp', async () => {
    expect(await decodeAnyImage(encodePng(image))).toEqual(image);
    expect(await decodeAnyImage(await raw.clone().webp({ lossless: true }).toBuffer())).toEqual(
      image,
    );
    const gif = await decodeAnyImage(await raw.clone().gif({ colours: 256 }).toBuffer());
    expect([gif.width, gif.height]).toEqual([7, 5]);
  });

  it('renders SVG at a size, over a background', async () => {
    const own = await decodeAnyImage(drawing);
    expect([own.width, own.height]).toEqual([20, 10]);
    const big = await decodeAnyImage(drawing, { svgSize: 40, background: [0, 0, 255] });
    expect([big.width, big.height]).toEqual([40, 20]);
    expect([...big.data.subarray(0, 3)]).toEqual([255, 0, 0]);
    expect([...big.data.subarray(3 * 39, 3 * 40)]).toEqual([0, 0, 255]);
  });

  it('drops or blends the alpha of WebP', async () => {
    const pixel = Uint8Array.of(200, 100, 50, 51);
    const webp = await sharp(pixel, { raw: { width: 1, height: 1, channels: 4 } })
      .webp({ lossless: true, exact: true })
      .toBuffer();
    expect([...(await decodeAnyImage(webp)).data]).toEqual([200, 100, 50]);
    const blended = await decodeAnyImage(webp, { background: [0, 0, 0] });
    expect([...blended.data]).toEqual([40, 20, 10]);
  });

  it('refuses damage, size, and what it does not know, by code', async () => {
    const webp = new Uint8Array(await raw.clone().webp().toBuffer());
    const rejects = (code: string, bytes: Uint8Array, options = {}) =>
      expect(decodeAnyImage(bytes, options)).rejects.toMatchObject({ code });
    await rejects('image/corrupt', webp.subarray(0, 30));
    await rejects('image/corrupt', text('<svg xmlns="http://www.w3.org/2000/svg"><rect'));
    await rejects('image/too-large', webp, { maxPixels: 34 });
    await rejects('image/too-large', drawing, { svgSize: 5000 });
    await rejects('image/too-large', drawing, { maxPixels: 100 });
    await rejects('image/unsupported', text('hello'));
    await rejects('config/invalid-value', drawing, { svgSize: 0.5 });
    await rejects('config/unknown-key', drawing, { size: 5 });
  });
});
