import { TrainError } from '@imglish/core';

/** Looks for what to blame, at the parameters before the step and the gradients in it. */
export interface Culprits {
  parameter(): Promise<string | undefined>;
  gradient(): Promise<string | undefined>;
}

/**
 * Throws a `TrainError` (`train/not-finite`) if a loss or the gradient norm is NaN or infinite,
 * naming the step, the streams, and the first parameter whose value, or else gradient, is not finite.
 */
export async function assertFinite(
  step: number,
  losses: Readonly<Record<string, number>>,
  gradientNorm: number,
  first: Culprits,
): Promise<void> {
  const bad = Object.entries(losses).filter(([, loss]) => !Number.isFinite(loss));
  if (bad.length === 0 && Number.isFinite(gradientNorm)) return;
  const streams = bad.map(([stream, loss]) => `${loss} in stream ${stream}`);
  const value = await first.parameter();
  const gradient = value === undefined ? await first.gradient() : undefined;
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
    fix: 'Nothing of the step was saved. Try a lower learning rate, a longer warm-up or clipping.',
  });
}
