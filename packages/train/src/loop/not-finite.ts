import { TrainError } from '@imglish/core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * Throws a `TrainError` (`train/not-finite`) if a loss or the gradient norm is NaN or infinite,
 * naming the step, the streams, and the first parameter whose value, or else gradient, is not finite.
 */
export async function assertFinite(
  step: number,
  losses: Readonly<Record<string, number>>,
  gradientNorm: number,
  parameters: Readonly<Record<string, Tensor>>,
  gradients: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const bad = Object.entries(losses).filter(([, loss]) => !Number.isFinite(loss));
  if (bad.length === 0 && Number.isFinite(gradientNorm)) return;
  const streams = bad.map(([stream, loss]) => `${loss} in stream ${stream}`);
  const value = await firstNotFinite(parameters);
  const gradient = await firstNotFinite(gradients);
  const culprit = value
    ? `parameter ${value} is not finite`
    : gradient
      ? `the gradient of ${gradient} is the first that is not finite`
      : 'every gradient is finite by itself';
  throw new TrainError({
    code: 'train/not-finite',
    where: 'train',
    expected: 'finite losses and gradients',
    got: `${streams.join(', ') || `a gradient norm of ${gradientNorm}`} in step ${step}; ${culprit}`,
    fix: 'The step was not applied or saved. Try a lower learning rate, a longer warm-up or clipping.',
  });
}

async function firstNotFinite(
  tensors: Readonly<Record<string, Tensor>>,
): Promise<string | undefined> {
  for (const [name, tensor] of Object.entries(tensors)) {
    const values = await tensor.data();
    if (!values.every(Number.isFinite)) return name;
  }
  return undefined;
}
