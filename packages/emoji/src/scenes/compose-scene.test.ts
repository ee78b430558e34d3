import { draw } from '@imglish/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { RENDER_TIMEOUT, testCacheDir } from '../../test/cache-dir.js';
import { composeScene, type SceneRequest, tryScene } from './compose-scene.js';
import type { SceneLibrary } from './library.js';
import { loadSceneLibrary } from './load-library.js';
import { planScenes } from './scenes-options.js';

const plan = planScenes({ images: 40, styles: ['twemoji'] });
let library: SceneLibrary;

beforeAll(async () => {
  library = await loadSceneLibrary(plan, { cacheDir: testCacheDir });
}, RENDER_TIMEOUT);

describe('a request', () => {
  const stream = () => draw(0, 'test');

  it('is met', () => {
    const [concept] = library.concepts;
    const request: SceneRequest = { concepts: [concept!], size: 64, kinds: 1, most: 1 };
    const scene = tryScene(library, stream(), request);
    expect(scene?.objects.map((object) => object.concept.id)).toEqual([concept!.id]);
    expect(composeScene(library, stream(), request)).toEqual(scene);
  });

  it('that no scene meets gives none, or an error that names what was wanted', () => {
    const [concept] = library.concepts;
    const wanted = [{ concept: concept!, count: 3 }];
    const request: SceneRequest = { concepts: [concept!], size: 64, wanted, most: 2 };
    expect(tryScene(library, stream(), request)).toBeUndefined();
    expect(() => composeScene(library, stream(), request)).toThrow(
      expect.objectContaining({ code: 'data/scene', expected: `a scene with 3 ${concept!.noun}` }),
    );
  });
});
