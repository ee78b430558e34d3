import { add, erf, exp, mul, reshape, square, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { hasFused, runFused } from './dispatch.js';

/**
 * gelu(x) = x Φ(x), Φ(x) = (1 + erf(x / √2)) / 2: the exact form, not the tanh approximation.
 *
 * gelu′(x) = Φ(x) + x φ(x), φ the standard normal density. Fused kernels: `ImglishGelu {x} → y`,
 * `ImglishGeluGrad {dy, x} → dx`.
 */
export function gelu(x: Tensor): Tensor {
  return differentiable(
    [x],
    (save) => {
      save([x]);
      if (hasFused('ImglishGelu')) return reshape(runFused('ImglishGelu', { x })[0]!, x.shape);
      return mul(x, cumulative(x));
    },
    (dy, [x]) => {
      if (hasFused('ImglishGeluGrad')) {
        return [reshape(runFused('ImglishGeluGrad', { dy, x: x! })[0]!, x!.shape)];
      }
      const density = mul(exp(mul(square(x!), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return [mul(dy, add(cumulative(x!), mul(x!, density)))];
    },
  );
}

function cumulative(x: Tensor): Tensor {
  return mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
}
