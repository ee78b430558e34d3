import { draw, type RgbImage } from '@imglish/core';
import type { EmojiLanguage } from '../styles.js';

/** A colour behind a drawing, and what captions call it. */
export interface Background {
  readonly rgb: readonly [red: number, green: number, blue: number];
  readonly name: Readonly<Record<EmojiLanguage, string>>;
}

/** Plain white. */
export const white: Background = { rgb: [255, 255, 255], name: { en: 'white', zh: '白色' } };

/** White and five pale colours that nearly every drawing stands out from. */
export const pastels: readonly Background[] = [
  white,
  { rgb: [255, 244, 184], name: { en: 'light yellow', zh: '浅黄色' } },
  { rgb: [255, 212, 222], name: { en: 'light pink', zh: '浅粉色' } },
  { rgb: [198, 226, 255], name: { en: 'light blue', zh: '浅蓝色' } },
  { rgb: [204, 240, 200], name: { en: 'light green', zh: '浅绿色' } },
  { rgb: [214, 214, 214], name: { en: 'light grey', zh: '浅灰色' } },
];

/** The background of a picture: depends on its id alone, so that it tells nothing about the drawing. */
export function backgroundOf(id: string): Background {
  return pastels[draw(0, `emoji/background/${id}`).integer(pastels.length)]!;
}

/** `colour × opacity + background × (1 - opacity)`, rounded. */
export function compose(rgba: Uint8Array, size: number, { rgb }: Background): RgbImage {
  const data = new Uint8Array(size * size * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const opacity = rgba[from + 3]!;
    for (let c = 0; c < 3; c++) {
      data[to++] = Math.round((rgba[from + c]! * opacity + rgb[c]! * (255 - opacity)) / 255);
    }
  }
  return { width: size, height: size, data };
}
