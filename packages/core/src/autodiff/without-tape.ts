import { tapeState } from './tape-state.js';

/**
 * Runs `f` with no tape recording, so that what it returns is a constant to whoever differentiates;
 * the engine's active tape is put back afterwards, even when `f` differentiates something itself.
 */
export function withoutTape<T>(f: () => T): T {
  const state = tapeState();
  const { activeTape, gradientDepth } = state;
  state.activeTape = null;
  state.gradientDepth = 0;
  try {
    return f();
  } finally {
    state.activeTape = activeTape;
    state.gradientDepth = gradientDepth;
  }
}
