import { backbone } from './backbone.js';
import { checkpoints } from './checkpoints.js';
import { decoding } from './decoding.js';
import { generation } from './generation.js';
import { heads } from './heads.js';
import { manifest } from './manifest.js';
import { metrics } from './metrics.js';
import { officialNames } from './official-names.js';
import { optimizer } from './optimizer.js';
import { preprocessing } from './preprocessing.js';
import type { Suite } from './suite.js';
import { tokenization } from './tokenization.js';

/** Every part of the fixtures that is checked; a new one is a file here and a line. */
export const SUITES: readonly Suite[] = [
  manifest,
  backbone,
  heads,
  decoding,
  generation,
  optimizer,
  checkpoints,
  officialNames,
  tokenization,
  preprocessing,
  metrics,
];
