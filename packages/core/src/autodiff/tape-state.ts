import type { Tensor } from '@tensorflow/tfjs-core';
import { engine } from './engine.js';

/** What tfjs keeps of a differentiation under way. */
export interface TapeState {
  activeTape: { saved: Tensor[] }[] | null;
  /** Differentiations inside one another. */
  gradientDepth: number;
}

export function tapeState(): TapeState {
  return (engine() as unknown as { state: TapeState }).state;
}
