import { backbone } from './backbone.js';
import { checkpoints } from './checkpoints.js';
import { decoding } from './decoding.js';
import type { FixtureKind } from './fixture-set.js';
import { generation } from './generation.js';
import { heads } from './heads.js';
import { manifest } from './manifest.js';
import { metrics } from './metrics.js';
import { officialNames } from './official-names.js';
import { optimizer } from './optimizer.js';
import { preprocessing } from './preprocessing.js';
import type { Suite } from './suite.js';
import { tokenization } from './tokenization.js';
import { VQ_KD_SUITES } from './vq-kd/index.js';

/** Every part of BEiT-3's fixtures that is checked; a new one is a file here and a line. */
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

/** The suites for a kind of fixtures. */
export function suitesFor(kind: FixtureKind): readonly Suite[] {
  return kind === 'vq-kd' ? VQ_KD_SUITES : SUITES;
}
