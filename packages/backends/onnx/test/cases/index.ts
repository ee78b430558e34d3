import type { Case } from './case.js';
import { elementwiseCases } from './elementwise.js';
import { fusedCases } from './fused.js';
import { indexingCases } from './indexing.js';
import { pictureCases } from './pictures.js';
import { productCases } from './products.js';
import { reductionCases } from './reductions.js';
import { shapingCases } from './shaping.js';

export const cases: readonly Case[] = [
  ...elementwiseCases,
  ...reductionCases,
  ...shapingCases,
  ...indexingCases,
  ...productCases,
  ...pictureCases,
  ...fusedCases,
];
