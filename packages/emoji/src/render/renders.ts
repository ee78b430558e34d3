import { createHash } from 'node:crypto';
import path from 'node:path';
import { ConfigError } from '@imglish/core';
import sharp from 'sharp';
import { defaultCacheDir } from '../cache/cache-dir.js';
import { readCacheFile, writeCacheFile } from '../cache/cache-file.js';
import type { EmojiConcept } from '../catalogue/catalogue.js';
import type { Renders } from '../catalogue/lookalikes.js';
import { packageVersion } from '../packages.js';
import type { EmojiStyle } from '../styles.js';
import { renderStyle } from './render.js';

export interface RendersOptions {
  /** Side of the pictures in pixels, 8 … 512; 32 by default. */
  readonly size?: number;
  /** Folder of the cache; `defaultCacheDir()` by default. */
  readonly cacheDir?: string;
  /** Told before a style is drawn, which takes seconds; not called where the cache has it. */
  readonly onRender?: (style: EmojiStyle, size: number) => void;
}

/** Raised whenever the same packages would give other pixels: margins, order, file layout. */
const FORMAT = 1;

/** What a cached file says about itself; it is used only if all but `ids` is as expected. */
interface Header {
  readonly key: string;
  readonly ids: readonly string[];
}

/**
 * The drawings of one style, from the cache, or drawn and put there.
 *
 * There is one file for each style, its version, and size. One that is damaged, or was made of other
 * concepts or by other versions, is replaced.
 *
 * @throws ConfigError `config/option`; IoError `io/cache` where the cache cannot be written.
 */
export async function loadRenders(
  style: EmojiStyle,
  concepts: readonly EmojiConcept[],
  options: RendersOptions = {},
): Promise<Renders> {
  const size = options.size ?? 32;
  if (!Number.isInteger(size) || size < 8 || size > 512) {
    throw new ConfigError({
      code: 'config/option',
      where: 'loadRenders',
      expected: 'size to be a whole number of 8 … 512 pixels',
      got: String(size),
    });
  }
  const [icons, emojibase] = await Promise.all([
    packageVersion(`@iconify-json/${style}`, 'icons.json'),
    packageVersion('emojibase-data', 'en/data.json'),
  ]);
  const key = [
    `imglish-emoji ${FORMAT}`,
    `${style} ${icons}`,
    `emojibase ${emojibase}`,
    `sharp ${sharp.versions.sharp}`,
    `rsvg ${sharp.versions.rsvg}`,
    `${size} px`,
    `concepts ${digest(concepts)}`,
  ].join(', ');
  const file = path.join(
    options.cacheDir ?? defaultCacheDir(),
    'emoji',
    `${style}-${icons}-${size}.gz`,
  );

  const cached = await readCacheFile<Header>(file);
  if (
    cached?.header.key === key &&
    cached.bytes.length === cached.header.ids.length * size * size * 4
  ) {
    return { size, ids: cached.header.ids, pixels: cached.bytes };
  }
  options.onRender?.(style, size);
  const renders = await renderStyle(style, size, concepts);
  await writeCacheFile<Header>(file, { header: { key, ids: renders.ids }, bytes: renders.pixels });
  return renders;
}

function digest(concepts: readonly EmojiConcept[]): string {
  const ids = concepts.map(({ id }) => id).join(' ');
  return createHash('sha256').update(ids).digest('hex').slice(0, 16);
}

/** The drawings of some of the ids, in the order of `ids`, without the memory of the others. */
export function selectRenders(renders: Renders, ids: readonly string[]): Renders {
  const bytes = renders.size * renders.size * 4;
  const position = new Map(renders.ids.map((id, index) => [id, index]));
  const known = ids.filter((id) => position.has(id));
  const pixels = new Uint8Array(known.length * bytes);
  known.forEach((id, index) => {
    const from = position.get(id)! * bytes;
    pixels.set(renders.pixels.subarray(from, from + bytes), index * bytes);
  });
  return { size: renders.size, ids: known, pixels };
}
