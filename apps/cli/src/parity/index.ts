import { backbone } from './backbone.js';
import { decoding } from './decoding.js';
import { heads } from './heads.js';
import { optimizer } from './optimizer.js';
import type { Suite } from './suite.js';

/** Every part of the fixtures that is checked; a new one is a file here and a line. */
export const SUITES: readonly Suite[] = [backbone, heads, decoding, optimizer];
