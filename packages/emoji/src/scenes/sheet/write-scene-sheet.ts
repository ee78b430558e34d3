import path from 'node:path';
import { ConfigError } from '@imglish/core';
import { fileSink } from '@imglish/core/node';
import sharp from 'sharp';
import type { RendersOptions } from '../../render/renders.js';
import { loadSceneLibrary } from '../load-library.js';
import { planScenes, type ScenesOptions } from '../scenes-options.js';
import { type SceneSheetOptions, sceneSheet } from './scene-sheet.js';

export interface WriteSceneSheetOptions
  extends ScenesOptions,
    SceneSheetOptions,
    Omit<RendersOptions, 'size'> {}

/**
 * Writes the first scenes that `writeScenes` makes with the same options as one sheet (`sceneSheet`):
 * an HTML page, an SVG document, or a PNG picture, as the file's ending says.
 *
 * @throws ConfigError `config/option` also for other endings; IoError of `fileSink`.
 */
export async function writeSceneSheet(
  file: string,
  { cacheDir, onRender, scenes, statementSets, ...choices }: WriteSceneSheetOptions = {},
): Promise<void> {
  const encode = encoders[path.extname(file).toLowerCase()];
  if (!encode) {
    throw new ConfigError({
      code: 'config/option',
      where: 'writeSceneSheet',
      expected: `a file that ends in ${Object.keys(encoders).join(', ')}`,
      got: file,
    });
  }
  const plan = planScenes(choices);
  const library = await loadSceneLibrary(plan, {
    ...(cacheDir !== undefined && { cacheDir }),
    ...(onRender && { onRender }),
  });
  const sheet = sceneSheet(library, plan, {
    ...(scenes !== undefined && { scenes }),
    ...(statementSets !== undefined && { statementSets }),
  });
  const bytes = await encode(sheet);
  const sink = await fileSink(file);
  await sink.write(bytes);
  await sink.close();
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const encoders: Readonly<Record<string, (svg: string) => Uint8Array | Promise<Uint8Array>>> = {
  '.html': (svg) =>
    utf8(
      `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Scenes</title></head>` +
        `<body style="margin:0">\n${svg}\n</body></html>\n`,
    ),
  '.svg': utf8,
  '.png': async (svg) => sharp(utf8(svg)).png({ palette: true, dither: 0, effort: 10 }).toBuffer(),
};
