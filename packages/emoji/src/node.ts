export { defaultCacheDir } from './cache/cache-dir.js';
export * from './corpus/emoji-corpus.js';
export { type Gloss, loadGlosses } from './corpus/wordnet.js';
export { loadCatalogue } from './packages.js';
export * from './pairs/emoji-pairs.js';
export { loadRenders, type RendersOptions } from './render/renders.js';
export * from './scenes/index.js';
