import { ops, ShapeError, withoutTape } from '@imglish/core';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

const { add, argMin, differentiable, gather, l2Normalize, matMul, mean, mul } = ops;
const { reshape, scalar, square, sub, sum, transpose } = ops;

export interface Quantized {
  /** The vectors, normalised: z = x / ‖x‖ `[M, C]`. */
  readonly z: Tensor2D;
  /** The nearest code of each `[M]`, int32. */
  readonly codes: Tensor1D;
  /** The codes' rows `[M, C]`; the gradient goes to z as if they were z. */
  readonly quantized: Tensor2D;
  /** Σ over vectors of mean over C of (z − code)²: what draws z to its code. */
  readonly commitment: Scalar;
}

/**
 * Replaces each vector by the nearest row of a codebook, in direction: vectors `[M, C]`, codebook
 * `[K, C]` with rows of norm 1.
 *
 * The straight-through gradient is that of the normalised vector, ∂L/∂z = ∂L/∂quantized, and goes on
 * through the normalisation. The codebook gets none: it is a moving average of z (`emaUpdate`).
 * Reference: norm_ema_quantizer.py:153–200.
 */
export function quantize(vectors: Tensor2D, codebook: Tensor2D): Quantized {
  if (vectors.rank !== 2 || codebook.rank !== 2 || vectors.shape[1] !== codebook.shape[1]) {
    throw new ShapeError({
      code: 'shape/quantize',
      where: 'quantize',
      expected: 'vectors [M, C], codebook [K, C]',
      got: `vectors [${vectors.shape}], codebook [${codebook.shape}]`,
    });
  }
  const z = l2Normalize(vectors) as Tensor2D;
  const { codes, rows } = withoutTape(() => {
    const codes = nearestCodes(z, codebook);
    return { codes, rows: gather(codebook, codes) };
  });
  const quantized = differentiable<Tensor2D>(
    [z, rows],
    () => rows.clone() as Tensor2D,
    (dy) => [dy.clone(), scalar(0)],
  );
  const commitment = sum(mean(square(sub(z, rows)), -1)) as Scalar;
  return { z, codes, quantized, commitment };
}

/** The code at the least distance from each vector; of equally near ones the first. */
export function nearestCodes(z: Tensor2D, codebook: Tensor2D): Tensor1D {
  return argMin(squaredDistances(z, codebook), 1) as Tensor1D;
}

/** ‖z‖² + ‖e‖² − 2 z·e of every vector to every row: `[M, C]`, `[K, C]` → `[M, K]`. */
export function squaredDistances(z: Tensor2D, codebook: Tensor2D): Tensor2D {
  const products = matMul(z, transpose(codebook)); // [M, K]
  const ofRows: Tensor = reshape(sum(square(codebook), 1), [1, -1]);
  const norms = add(sum(square(z), 1, true), ofRows);
  return sub(norms, mul(products, 2)) as Tensor2D;
}
