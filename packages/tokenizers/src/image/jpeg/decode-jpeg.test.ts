import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodePng } from '../png/decode-png.js';
import { decodeJpeg } from './decode-jpeg.js';

const folder = new URL('../../../test-data/jpeg/', import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));

// NAME.expected.png holds what Pillow 13 (libjpeg-turbo 3.2) decodes from NAME.jpg.
describe('decodeJpeg', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
  it.each(names)('decodes %s to the pixels of libjpeg', (name) => {
    const image = decodeJpeg(read(name));
    const expected = decodePng(read(name.replace('.jpg', '.expected.png')));
    expect([image.width, image.height]).toEqual([expected.width, expected.height]);
    expect(image.data).toEqual(expected.data);
  });
});
