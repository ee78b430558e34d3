import { checkpoints } from '../checkpoints.js';
import { manifest } from '../manifest.js';
import type { Suite } from '../suite.js';
import { vqKdCodebook } from './codebook.js';
import { maskedImages } from './masked-images.js';
import { masks } from './masks.js';
import { vqKdOfficialNames } from './official.js';
import { vqKdOptimizer } from './optimizer.js';
import { sensitivity } from './sensitivity.js';
import { vqKdTokenizer } from './tokenizer.js';

/** Every part of a set of VQ-KD's fixtures that is checked. */
export const VQ_KD_SUITES: readonly Suite[] = [
  manifest,
  checkpoints,
  vqKdTokenizer,
  vqKdCodebook,
  vqKdOptimizer,
  vqKdOfficialNames,
  masks,
  maskedImages,
  sensitivity,
];
