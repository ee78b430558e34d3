import {
  add,
  matMul,
  reshape,
  sum,
  type Tensor,
  type Tensor2D,
  transpose,
} from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors/errors.js';
import { differentiable } from './differentiable.js';
import { hasFused, runFused } from './dispatch.js';

/**
 * y = x Wᵀ + b, as `torch.nn.Linear`: x `[..., I]`, W `[O, I]`, b `[O]` → `[..., O]`.
 *
 * The product is taken on `[M, I]`, M = the product of the leading sizes. Fused kernels:
 * `ImglishLinear {x, weight, bias?} → y`, `ImglishLinearGrad {dy, x, weight} → dx, dweight, dbias`.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const inner = x.shape.at(-1)!;
  const [out, expected] = weight.shape as [number, number];
  if (weight.rank !== 2 || expected !== inner || (bias && bias.size !== out)) {
    throw new ShapeError({
      code: 'shape/linear',
      where: 'linear',
      expected: 'x [..., I], weight [O, I], bias [O]',
      got: `x [${x.shape}], weight [${weight.shape}]${bias ? `, bias [${bias.shape}]` : ''}`,
    });
  }
  const rows = x.rank === 2 ? (x as Tensor2D) : reshape(x, [-1, inner]); // [M, I]
  const y = bias ? affine(rows, weight, bias) : product(rows, weight); // [M, O]
  return x.rank === 2 ? y : reshape(y, [...x.shape.slice(0, -1), out]);
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
