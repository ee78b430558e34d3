import {
  add,
  mean,
  mul,
  reshape,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors/errors.js';
import { differentiable } from './differentiable.js';
import { hasFused, runFused } from './dispatch.js';

/**
 * y = (x − mean) / √(variance + ε) · γ + β over the last axis, variance biased, as
 * `torch.nn.LayerNorm`: x `[..., D]`, γ and β `[D]`.
 *
 * Fused kernels: `ImglishLayerNorm {x, gamma, beta} {epsilon} → y, mean [M], rstd [M]`,
 * `ImglishLayerNormGrad {dy, x, gamma, mean, rstd} → dx, dgamma, dbeta`.
 */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  const size = x.shape.at(-1)!;
  if (gamma.size !== size || beta.size !== size) {
    throw new ShapeError({
      code: 'shape/layer-norm',
      where: 'layerNorm',
      expected: 'x [..., D], gamma [D], beta [D]',
      got: `x [${x.shape}], gamma [${gamma.shape}], beta [${beta.shape}]`,
    });
  }
  const rows = x.rank === 2 ? x : reshape(x, [-1, size]); // [M, D]
  const y = differentiable(
    [rows, gamma, beta],
    (save) => {
      const [y, mu, rstd] = hasFused('ImglishLayerNorm')
        ? runFused('ImglishLayerNorm', { x: rows, gamma, beta }, { epsilon })
        : forward(rows, gamma, beta, epsilon);
      save([rows, gamma, mu!, rstd!]);
      return y!;
    },
    (dy, [x, gamma, mu, rstd]) =>
      hasFused('ImglishLayerNormGrad')
        ? runFused('ImglishLayerNormGrad', {
            dy,
            x: x!,
            gamma: gamma!,
            mean: mu!,
            rstd: rstd!,
          })
        : backward(dy, x!, gamma!, mu!, rstd!),
  );
  return x.rank === 2 ? y : reshape(y, x.shape);
}

function forward(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor[] {
  const mu = mean(x, -1); // [M]
  const centred = sub(x, reshape(mu, [-1, 1])); // [M, D]
  const rstd = rsqrt(add(mean(square(centred), -1), epsilon)); // [M]
  const normalized = mul(centred, reshape(rstd, [-1, 1])); // [M, D]
  return [add(mul(normalized, gamma), beta), mu, rstd];
}

/** dx = rstd · (g − mean(g) − x̂ · mean(g · x̂)), g = dy · γ; dγ = Σ dy · x̂; dβ = Σ dy. */
function backward(dy: Tensor, x: Tensor, gamma: Tensor, mu: Tensor, rstd: Tensor): Tensor[] {
  const scale = reshape(rstd, [-1, 1]); // [M, 1]
  const normalized = mul(sub(x, reshape(mu, [-1, 1])), scale); // [M, D]
  const g = mul(dy, gamma); // [M, D]
  const projected = mul(normalized, mean(mul(g, normalized), -1, true));
  const dx = mul(scale, sub(sub(g, mean(g, -1, true)), projected));
  return [dx, sum(mul(dy, normalized), 0), sum(dy, 0)];
}
