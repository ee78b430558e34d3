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
  tidy,
} from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { hasFused, runFused } from './dispatch.js';
import { requireShapes } from './require-shapes.js';

/**
 * y = (x − mean) / √(variance + ε) · γ + β over the last axis, variance biased, as
 * `torch.nn.LayerNorm`: x `[..., D]`, γ and β `[D]`.
 *
 * Fused kernels: `ImglishLayerNorm {x, gamma, beta} {epsilon} → y, mean [M], rstd [M]`,
 * `ImglishLayerNormGrad {dy, x, gamma, mean, rstd} → dx, dgamma, dbeta`.
 */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  const size = x.shape.at(-1)!;
  const fits = [gamma, beta].every(({ shape }) => shape.join() === `${size}`);
  requireShapes('layerNorm', fits, 'x [..., D], gamma [D], beta [D]', { x, gamma, beta });
  if (x.rank === 2) return normalizeRows(x, gamma, beta, epsilon);
  return tidy(() => reshape(normalizeRows(reshape(x, [-1, size]), gamma, beta, epsilon), x.shape));
}

function normalizeRows(rows: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  return differentiable(
    [rows, gamma, beta],
    (save) => {
      const [y, mu, rstd] = hasFused('ImglishLayerNorm')
        ? runFused('ImglishLayerNorm', { x: rows, gamma, beta }, { epsilon })
        : forward(rows, gamma, beta, epsilon);
      save([rows, gamma, mu!, rstd!]);
      return y!;
    },
    (dy, [x, gamma, mu, rstd]) => {
      if (hasFused('ImglishLayerNormGrad')) {
        const named = { dy, x: x!, gamma: gamma!, mean: mu!, rstd: rstd! };
        return runFused('ImglishLayerNormGrad', named);
      }
      return backward(dy, x!, gamma!, mu!, rstd!);
    },
  );
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
