import { withoutTape } from '@imglish/core';
import type { Batch, Loss } from './contracts.js';
import { mapValues } from './state.js';

/** The loss as a function of the other parameters alone: no gradient reaches those that are frozen. */
export function freezing<B extends Batch>(
  loss: Loss<B>,
  frozen: ReadonlySet<string> = new Set(),
): Loss<B> {
  if (frozen.size === 0) return loss;
  return (parameters, batch, context) => {
    const seen = mapValues(parameters, (value, name) =>
      // A clone that no tape knows.
      frozen.has(name) ? withoutTape(() => value.clone()) : value,
    );
    return loss(seen, batch, context);
  };
}
