import { DataError } from '@imglish/core';
import sharp from 'sharp';
import type { Renders } from '../catalogue/lookalikes.js';
import { packageJson } from '../packages.js';
import type { EmojiStyle } from '../styles.js';
import {
  findIcon,
  type IconNames,
  type IconSet,
  iconSvg,
  withoutPresentationKeys,
} from './icon-svg.js';

/** As many drawings at once as Node has threads for them by default. */
const CONCURRENCY = 4;

/** Draws every concept that a style has, at `size` × `size` pixels, on nothing (RGBA). */
export async function renderStyle(
  style: EmojiStyle,
  size: number,
  concepts: readonly { readonly id: string; readonly label: { readonly en: string } }[],
): Promise<Renders> {
  const [set, names] = await Promise.all([
    packageJson<IconSet>(`@iconify-json/${style}/icons.json`),
    packageJson<IconNames>(`@iconify-json/${style}/chars.json`),
  ]);
  const byCode = withoutPresentationKeys(names);
  const found = concepts.flatMap(({ id, label }) => {
    const icon = findIcon(set, byCode, { id, label: label.en });
    return icon === undefined ? [] : [{ id, icon }];
  });

  const bytes = size * size * 4;
  const pixels = new Uint8Array(found.length * bytes);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < found.length) {
      const index = next++;
      const drawing = await rasterize(iconSvg(set, found[index]!.icon, size), size);
      pixels.set(drawing, index * bytes);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return { size, ids: found.map(({ id }) => id), pixels };
}

async function rasterize(svg: string, size: number): Promise<Uint8Array> {
  const { data, info } = await sharp(new TextEncoder().encode(svg))
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== size || info.height !== size || info.channels !== 4) {
    throw new DataError({
      code: 'data/icon',
      where: 'renderStyle',
      expected: `${size} × ${size} pixels of 4 channels`,
      got: `${info.width} × ${info.height} of ${info.channels}`,
    });
  }
  return data;
}
