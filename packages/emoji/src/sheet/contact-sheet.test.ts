import { describe, expect, it } from 'vitest';
import { contactSheet } from './contact-sheet.js';

const picture = (value: number, width = 1, height = 1) => ({
  image: { width, height, data: new Uint8Array(width * height * 3).fill(value) },
});
const red = (sheet: ReturnType<typeof contactSheet>): number[][] =>
  Array.from({ length: sheet.height }, (_, y) =>
    Array.from({ length: sheet.width }, (_, x) => sheet.data[(y * sheet.width + x) * 3]!),
  );

describe('contactSheet', () => {
  it('lays pictures out row by row', () => {
    const sheet = contactSheet([picture(1), picture(2), picture(3)], { columns: 2, gap: 1 });
    expect(red(sheet)).toEqual([
      [128, 128, 128, 128, 128],
      [128, 1, 128, 2, 128],
      [128, 128, 128, 128, 128],
      [128, 3, 128, 128, 128],
      [128, 128, 128, 128, 128],
    ]);
  });

  it('makes cells as large as the largest picture', () => {
    const sheet = contactSheet([picture(1, 2, 1), picture(2, 1, 2)], { columns: 5, gap: 0 });
    expect(red(sheet)).toEqual([
      [1, 1, 2, 128],
      [128, 128, 2, 128],
    ]);
  });

  it('is about square by default, and refuses nothing and no columns', () => {
    expect(contactSheet(Array(9).fill(picture(0)), { gap: 0 })).toMatchObject({
      width: 3,
      height: 3,
    });
    expect(() => contactSheet([])).toThrow('0 pictures');
    expect(() => contactSheet([picture(0)], { columns: 0 })).toThrow('0 columns');
    expect(() => contactSheet([picture(0)], { gap: -1 })).toThrow('gap of -1');
  });
});
