import '@tensorflow/tfjs-backend-cpu';
import { describe, it } from 'vitest';
import { checkOp } from '../../test/check-op.js';
import { geluOf } from '../../test/reference.js';
import { gelu } from './gelu.js';

describe('gelu', () => {
  it.each([[[]], [[7]], [[2, 3, 1, 2]]])('is x Φ(x), the exact form, for x [%s]', (shape) => {
    checkOp({
      shapes: { x: shape },
      op: ({ x }) => gelu(x!),
      reference: ({ x }) => x!.map(geluOf),
    });
  });

  it('is 0 far below, x far above, and tells itself from the tanh form', () => {
    const x = [-30, -5, -2, -0.5, 0, 0.5, 2, 5, 30];
    checkOp({
      shapes: { x: [9] },
      values: { x },
      op: (given) => gelu(given.x!),
      reference: (given) => given.x!.map(geluOf),
      tolerance: 1e-6, // the tanh form is off by up to 5e-4
    });
  });
});
