import { fileURLToPath } from 'node:url';

/** Where the tests of this package keep renders between runs; git ignores it. */
export const testCacheDir: string = fileURLToPath(new URL('../../../.cache', import.meta.url));

/** Drawing every style takes seconds, on a busy machine tens of them. */
export const RENDER_TIMEOUT = 180_000;
