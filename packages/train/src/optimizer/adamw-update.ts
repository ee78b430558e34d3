import { ConfigError } from '@imglish/core';
import { add, div, mul, type Scalar, sqrt, square, sub, type Tensor } from '@tensorflow/tfjs-core';
import type { AdamWHyperparameters, AdamWKernelAttributes } from './adamw.js';

/** What differs from step to step: numbers, or scalars where the update is recorded. */
export interface StepFactors<T = number> {
  /** 1 − lr·λ */
  decay: T;
  /** lr/(1 − β₁ᵗ) */
  rate: T;
  /** √(1 − β₂ᵗ) */
  root: T;
}

/** The factors of a step, computed in double precision. */
export function stepFactors({
  lr,
  weightDecay,
  bias1,
  bias2,
}: Pick<AdamWKernelAttributes, 'lr' | 'weightDecay' | 'bias1' | 'bias2'>): StepFactors {
  return { decay: 1 - lr * weightDecay, rate: lr / bias1, root: Math.sqrt(bias2) };
}

/** The update in plain ops: the next parameter, m and v. To be called in a `tidy`. */
export function adamWUpdate(
  parameter: Tensor,
  gradient: Tensor,
  m: Tensor,
  v: Tensor,
  factors: Required<AdamWHyperparameters> & StepFactors<number | Scalar>,
): [Tensor, Tensor, Tensor] {
  const { beta1, beta2, epsilon, decay, rate, root } = factors;
  const nextM = add(mul(m, beta1), mul(gradient, 1 - beta1));
  const nextV = add(mul(v, beta2), mul(square(gradient), 1 - beta2));
  const denominator = add(div(sqrt(nextV), root), epsilon);
  const decayed = mul(parameter, decay);
  return [sub(decayed, mul(div(nextM, denominator), rate)), nextM, nextV];
}

/** Hyperparameters with their defaults; throws a `ConfigError` (`train/adamw`) where they cannot be. */
export function checkedAdamW(
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamWHyperparameters,
  lr: number,
): Required<AdamWHyperparameters> {
  check('a finite learning rate of at least 0', lr >= 0 && lr < Infinity, lr);
  check('beta1 in [0, 1)', beta1 >= 0 && beta1 < 1, beta1);
  check('beta2 in [0, 1)', beta2 >= 0 && beta2 < 1, beta2);
  check('epsilon of at least 0', epsilon >= 0 && epsilon < Infinity, epsilon);
  return { beta1, beta2, epsilon };
}

export function check(expected: string, ok: boolean, got: unknown): void {
  if (!ok) {
    throw new ConfigError({ code: 'train/adamw', where: 'adamW', expected, got: String(got) });
  }
}
