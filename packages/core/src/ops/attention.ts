import {
  add,
  matMul,
  mul,
  scalar,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor4D,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { hasFused, runFused } from './dispatch.js';
import { requireShapes } from './require-shapes.js';

/** What is added to a score so that its key is not seen: enough to make its weight exactly 0. */
export const HIDDEN = -1e8;

/**
 * softmax(scale · q kᵀ + mask) v: q `[B, H, N, d]`, k and v `[B, H, M, d]` → `[B, H, N, d]`.
 *
 * `mask` is added to the scores, `[B or 1, H or 1, N or 1, M]`; it is a constant and gets no
 * gradient. q is scaled before the product, as the reference does (multihead_attention.py:70-71).
 * Fused kernels: `ImglishAttention {q, k, v, bias?} {scale} → out, probs`,
 * `ImglishAttentionGrad {dout, q, k, v, probs} {scale} → dq, dk, dv`.
 */
export function attention(
  q: Tensor4D,
  k: Tensor4D,
  v: Tensor4D,
  scale: number,
  mask?: Tensor4D,
): Tensor4D {
  const [b, h, n, d] = q.shape;
  const m = k.shape[2];
  const fits =
    q.rank === 4 &&
    k.shape.join() === [b, h, m, d].join() &&
    v.shape.join() === k.shape.join() &&
    (!mask || broadcasts(mask.shape, [b, h, n, m]));
  requireShapes('attention', fits, EXPECTED, { q, k, v, mask });
  const inputs: Tensor[] = mask ? [q, k, v, mask] : [q, k, v];
  return differentiable<Tensor4D>(
    inputs,
    (save) => {
      if (hasFused('ImglishAttention')) {
        const named = mask ? { q, k, v, bias: mask } : { q, k, v };
        const [out, probs] = runFused('ImglishAttention', named, { scale });
        save([q, k, v, probs!]);
        return out as Tensor4D;
      }
      const probs = probabilities(q, k, scale, mask);
      save([q, k, v, probs]);
      return matMul(probs, v) as Tensor4D;
    },
    (dout, [q, k, v, probs]) => {
      const gradients = hasFused('ImglishAttentionGrad')
        ? runFused('ImglishAttentionGrad', { dout, q: q!, k: k!, v: v!, probs: probs! }, { scale })
        : backward(dout, q!, k!, v!, probs!, scale);
      return mask ? [...gradients, scalar(0)] : gradients;
    },
  );
}

const EXPECTED =
  'q [B, H, N, d], k and v [B, H, M, d], mask [B or 1, H or 1, N or 1, M], same B, H and d';

function broadcasts(mask: readonly number[], scores: readonly number[]): boolean {
  const fits = scores.every((size, axis) => mask[axis] === size || (axis < 3 && mask[axis] === 1));
  return fits && mask.length === scores.length;
}

/** The attention map softmax(scale · q kᵀ + mask) `[B, H, N, M]`, to look at: without a gradient. */
export function attentionMap(q: Tensor4D, k: Tensor4D, scale: number, mask?: Tensor4D): Tensor4D {
  return tidy(() => probabilities(q, k, scale, mask)) as Tensor4D;
}

function probabilities(q: Tensor4D, k: Tensor4D, scale: number, mask?: Tensor4D): Tensor4D {
  const scores = matMul(mul(q, scale), transpose(k, [0, 1, 3, 2])); // [B, H, N, M]
  return softmax(mask ? add(scores, mask) : scores) as Tensor4D;
}

/** dv = pᵀ dout; dp = dout vᵀ; ds = p · (dp − Σ p dp); dq = scale · ds k; dk = scale · dsᵀ q. */
function backward(
  dout: Tensor,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  probs: Tensor,
  scale: number,
): Tensor[] {
  const swap = [0, 1, 3, 2];
  const dv = matMul(transpose(probs, swap), dout); // [B, H, M, d]
  const dp = matMul(dout, transpose(v, swap)); // [B, H, N, M]
  const ds = mul(mul(probs, sub(dp, sum(mul(probs, dp), -1, true))), scale); // [B, H, N, M]
  return [matMul(ds, k), matMul(transpose(ds, swap), q), dv];
}
