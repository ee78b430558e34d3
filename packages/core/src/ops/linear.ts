import { add, matMul, reshape, sum, type Tensor, tidy, transpose } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { hasFused, runFused } from './dispatch.js';
import { requireShapes } from './require-shapes.js';

/**
 * y = x Wᵀ + b, as `torch.nn.Linear`: x `[..., I]`, W `[O, I]`, b `[O]` → `[..., O]`.
 *
 * The product is taken on `[M, I]`, M = the product of the leading sizes. Fused kernels:
 * `ImglishLinear {x, weight, bias?} → y`, `ImglishLinearGrad {dy, x, weight} → dx, dweight, dbias`.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const inner = x.shape.at(-1)!;
  const [out, expected] = weight.shape as [number, number];
  const fits = weight.rank === 2 && expected === inner && (!bias || bias.shape.join() === `${out}`);
  requireShapes('linear', fits, 'x [..., I], weight [O, I], bias [O]', { x, weight, bias });
  const onRows = (rows: Tensor) => (bias ? affine(rows, weight, bias) : product(rows, weight)); // [M, O]
  if (x.rank === 2) return onRows(x);
  return tidy(() => reshape(onRows(reshape(x, [-1, inner])), [...x.shape.slice(0, -1), out]));
}

function affine(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return differentiable(
    [x, weight, bias],
    (save) => {
      save([x, weight]);
      if (hasFused('ImglishLinear')) return runFused('ImglishLinear', { x, weight, bias })[0]!;
      return add(matMul(x, transpose(weight)), bias);
    },
    (dy, [x, weight]) => linearGradient(dy, x!, weight!),
  );
}

function product(x: Tensor, weight: Tensor): Tensor {
  return differentiable(
    [x, weight],
    (save) => {
      save([x, weight]);
      if (hasFused('ImglishLinear')) return runFused('ImglishLinear', { x, weight })[0]!;
      return matMul(x, transpose(weight));
    },
    (dy, [x, weight]) => linearGradient(dy, x!, weight!).slice(0, 2),
  );
}

/** dx = dy W, dW = dyᵀ x, db = Σ dy; dy `[M, O]`. Transposed explicitly: some engines are slow at it. */
function linearGradient(dy: Tensor, x: Tensor, weight: Tensor): Tensor[] {
  if (hasFused('ImglishLinearGrad')) return runFused('ImglishLinearGrad', { dy, x, weight });
  return [matMul(dy, weight), matMul(transpose(dy), x), sum(dy, 0)];
}
