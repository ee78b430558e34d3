import { type Parameters, TrainError, valueAndGradients } from '@imglish/core';
import { addN, mul, type Scalar, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Batch, Loss, LossContext, LossTerm } from './contracts.js';

/**
 * The factor that a stream's sum has in the total, given its count in this batch; 0 leaves it out. A
 * scalar where it is not known yet, but not 0.
 */
export type StreamScale = (stream: string, count: number) => number | Scalar;

/** The caller owns the tensors. */
export interface LossGradients {
  sums: Record<string, Scalar>;
  counts: Record<string, number>;
  /** ∂(Σ scale · sum)/∂parameter; none where the loss does not reach. */
  gradients: Record<string, Tensor>;
}

/** One forward and backward pass: the streams' sums and the gradient of Σ_s scale_s · sum_s. */
export function lossGradients<B extends Batch>(
  loss: Loss<B>,
  parameters: Parameters,
  batch: B,
  context: LossContext,
  scale: StreamScale,
): LossGradients {
  let counts: Record<string, number> = {};
  const {
    loss: total,
    aux,
    gradients,
  } = valueAndGradients((current) => {
    const terms = loss(current, batch, context);
    counts = countsOf(terms, context);
    const scaled: Scalar[] = [];
    const sums: Record<string, Tensor> = {};
    for (const [stream, { sum }] of Object.entries(terms)) {
      const factor = scale(stream, counts[stream]!);
      if (typeof factor !== 'number' || factor > 0) scaled.push(mul(sum, factor));
      sums[stream] = sum;
    }
    return { loss: scaled.length > 0 ? (addN(scaled) as Scalar) : scalar(0), aux: sums };
  }, parameters);
  total.dispose();
  return { sums: aux as Record<string, Scalar>, counts, gradients };
}

/** What a batch counts for, by a forward pass whose losses are thrown away. */
export function countsByForwardPass<B extends Batch>(
  loss: Loss<B>,
  parameters: Parameters,
  batch: B,
  context: LossContext,
): Record<string, number> {
  let counts: Record<string, number> = {};
  tidy(() => {
    counts = countsOf(loss(parameters, batch, context), context);
  });
  return counts;
}

function countsOf(
  terms: Readonly<Record<string, LossTerm>>,
  { step, index }: LossContext,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(terms).map(([stream, { sum, count }]) => {
      if (sum.size !== 1 || sum.rank !== 0 || !(count >= 0 && count < Infinity)) {
        throw new TrainError({
          code: 'train/loss-term',
          where: 'train',
          expected: `{sum: scalar, count: number of at least 0} for stream ${stream}`,
          got: `sum of shape [${sum.shape}] and count ${count} in batch ${index} of step ${step}`,
        });
      }
      return [stream, count];
    }),
  );
}
