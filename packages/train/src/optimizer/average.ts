import { ConfigError, type Parameters } from '@imglish/core';
import { add, mul, type Scalar, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** An exponential moving average of the parameters. */
export interface EmaOptions {
  /** d, in [0, 1); with 0.999 about the last thousand updates count. */
  decay: number;
}

/**
 * What the average keeps of itself after update t (1, 2, …): min(d, (1 + t)/(10 + t)), so that what
 * the parameters were at first is soon forgotten.
 */
export function emaDecay({ decay }: EmaOptions, t: number): number {
  return Math.min(decay, (1 + t) / (10 + t));
}

/** a + (1 − d)·(θ − a): the average moved towards the parameters. To be called in a `tidy`. */
export function towards(average: Tensor, parameter: Tensor, rate: number | Scalar): Tensor {
  return add(average, mul(sub(parameter, average), rate));
}

/** The average after update t; takes over the one before, one tensor at a time. */
export function nextAverage(
  average: Readonly<Record<string, Tensor>>,
  parameters: Parameters,
  ema: EmaOptions,
  t: number,
): Record<string, Tensor> {
  const rate = 1 - emaDecay(ema, t);
  const next: Record<string, Tensor> = {};
  for (const [name, before] of Object.entries(average)) {
    next[name] = tidy(() => towards(before, parameters[name]!, rate));
    before.dispose();
  }
  return next;
}

/** For who asks for an average that nobody takes. */
export function noAverage(): ConfigError {
  return new ConfigError({
    code: 'train/no-average',
    where: 'train',
    expected: 'an average of the parameters',
    got: 'a run without one',
    fix: 'Give the option `ema`.',
  });
}
