import path from 'node:path';
import { defaultCacheDir } from '../cache/cache-dir.js';
import { loadCatalogue } from '../packages.js';
import { loadRenders, type RendersOptions } from '../render/renders.js';
import { sceneConcepts } from './concepts.js';
import { type Drawing, drawingsOf } from './cutouts.js';
import { SceneLibrary } from './library.js';
import type { ScenePlan } from './scenes-options.js';

/**
 * The drawings that the scenes of a plan are composed of, at the size of the pictures: read from the
 * cache, or drawn and put there.
 *
 * @throws ConfigError `config/option` for concepts that there are not; IoError `io/cache`.
 */
export async function loadSceneLibrary(
  { concepts: choice, styles, size }: Pick<ScenePlan, 'concepts' | 'styles' | 'size'>,
  { cacheDir = defaultCacheDir(), onRender }: Omit<RendersOptions, 'size'> = {},
): Promise<SceneLibrary> {
  const catalogue = await loadCatalogue();
  const concepts = sceneConcepts(catalogue, choice);
  // Only these are drawn, all of them whatever the choice: one small file for each style and size.
  const known = new Set(sceneConcepts(catalogue).map(({ id }) => id));
  const drawn = catalogue.filter(({ id }) => known.has(id));
  const drawings: Drawing[] = [];
  for (const style of styles) {
    const renders = await loadRenders(style, drawn, {
      size,
      cacheDir: path.join(cacheDir, 'scenes'),
      ...(onRender && { onRender }),
    });
    drawings.push(...drawingsOf(concepts, style, renders));
  }
  return new SceneLibrary(drawings);
}
