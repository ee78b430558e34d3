import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { engine } from './engine.js';
import { tapeState } from './tape-state.js';

export interface Reverse {
  value: Tensor;
  /** In the order of the inputs; none where the value does not depend on it. */
  gradients: (Tensor | undefined)[];
}

/**
 * y = f() and ∂⟨y, dy⟩/∂x by tfjs's tape, dy = 1 by default.
 *
 * tfjs leaves the tape, and the tensors saved on it, behind when something throws; here the engine
 * is as before. A tape that is shared with a differentiation around this one is that one's to drop.
 */
export function reverse(f: () => Tensor, x: Tensor[], dy?: Tensor): Reverse {
  const state = tapeState();
  const outermost = state.gradientDepth === 0;
  try {
    return tidy(() => {
      const { value, grads } = engine().gradients(f, x, dy, true);
      return { value, gradients: grads as (Tensor | undefined)[] };
    });
  } catch (error) {
    if (outermost) {
      for (const { saved } of state.activeTape ?? []) {
        for (const tensor of saved) tensor.dispose();
      }
      state.activeTape = null;
    }
    throw error;
  }
}
