import { ConfigError, engine, type Parameters, ShapeError } from '@imglish/core';
import {
  add,
  div,
  getBackend,
  getKernel,
  mul,
  sqrt,
  square,
  sub,
  type Tensor,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { ParameterGroups } from './groups.js';

/** AdamW's memory of one parameter. */
export interface Moments {
  /** Updates that this parameter has had. */
  readonly step: number;
  /** Running mean of the gradient, shaped as the parameter. */
  readonly m: Tensor;
  /** Running mean of its square. */
  readonly v: Tensor;
}

/** Moments by parameter name; a parameter that never had a gradient has none. */
export type AdamWState = Readonly<Record<string, Moments>>;

export interface AdamWHyperparameters {
  /** Decay of the first moment, default 0.9. */
  beta1?: number;
  /** Decay of the second moment, default 0.999. */
  beta2?: number;
  /** Added to √v̂, default 1e-8. */
  epsilon?: number;
}

export interface AdamWOptions extends AdamWHyperparameters {
  /** Learning rate of this step, before the groups' scales. */
  lr: number;
  groups: ParameterGroups;
  /**
   * Dispose each parameter, gradient and moment of the input as soon as its successor exists, so
   * that the peak is one extra parameter and not a second model. Default false: inputs stay.
   */
  release?: boolean;
}

/** A fused kernel of this name takes the place of the composite where the current backend has one. */
export const ADAMW_KERNEL = 'ImglishAdamW';

/** Attributes of the kernel `ImglishAdamW`; its inputs are {parameter, gradient, m, v}. */
export interface AdamWKernelAttributes {
  lr: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** 1 − β₁ᵗ */
  bias1: number;
  /** 1 − β₂ᵗ */
  bias2: number;
}

/**
 * One step of AdamW (Loshchilov & Hutter 2019), in the order of `torch.optim.AdamW`:
 *
 *     θ ← θ·(1 − lr·λ);  m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²
 *     θ ← θ − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)
 *
 * with lr and λ of the parameter's group and t counted per parameter. A parameter without gradient
 * is skipped: no decay, no count. One with a zero gradient decays.
 *
 * Everything returned is new and the caller's, the untouched parameters too (sharing their data).
 *
 * @throws ConfigError `train/adamw` for hyperparameters out of range or a parameter without group.
 * @throws ShapeError `shape/gradient` for a gradient of another shape or of an unknown parameter.
 */
export function adamW(
  parameters: Parameters,
  gradients: Readonly<Record<string, Tensor>>,
  state: AdamWState,
  options: AdamWOptions,
): { parameters: Record<string, Tensor>; state: Record<string, Moments> } {
  checkInputs(parameters, gradients, options);
  const { lr, groups, release = false } = options;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const nextParameters: Record<string, Tensor> = {};
  const nextState: Record<string, Moments> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const gradient = gradients[name];
    const moments = state[name];
    if (gradient) {
      const { lrScale, weightDecay } = groups[name]!;
      const step = (moments?.step ?? 0) + 1;
      const m = moments?.m ?? zerosLike(gradient);
      const v = moments?.v ?? zerosLike(gradient);
      const [updated, nextM, nextV] = update(parameter, gradient, m, v, {
        lr: lr * lrScale,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        bias1: 1 - beta1 ** step,
        bias2: 1 - beta2 ** step,
      });
      if (!moments || release) {
        m.dispose();
        v.dispose();
      }
      nextParameters[name] = updated;
      nextState[name] = { step, m: nextM, v: nextV };
    } else {
      nextParameters[name] = parameter.clone();
      if (moments) {
        nextState[name] = { step: moments.step, m: moments.m.clone(), v: moments.v.clone() };
        if (release) {
          moments.m.dispose();
          moments.v.dispose();
        }
      }
    }
    if (release) {
      parameter.dispose();
      gradient?.dispose();
    }
  }
  return { parameters: nextParameters, state: nextState };
}

function update(
  parameter: Tensor,
  gradient: Tensor,
  m: Tensor,
  v: Tensor,
  attributes: AdamWKernelAttributes,
): [Tensor, Tensor, Tensor] {
  if (getKernel(ADAMW_KERNEL, getBackend())) {
    return engine().runKernel(
      ADAMW_KERNEL,
      { parameter, gradient, m, v },
      { ...attributes },
    ) as unknown as [Tensor, Tensor, Tensor];
  }
  const { lr, beta1, beta2, epsilon, weightDecay, bias1, bias2 } = attributes;
  return tidy(() => {
    const nextM = add(mul(m, beta1), mul(gradient, 1 - beta1));
    const nextV = add(mul(v, beta2), mul(square(gradient), 1 - beta2));
    const denominator = add(div(sqrt(nextV), Math.sqrt(bias2)), epsilon);
    const decayed = mul(parameter, 1 - lr * weightDecay);
    return [sub(decayed, mul(div(nextM, denominator), lr / bias1)), nextM, nextV];
  });
}

function checkInputs(
  parameters: Parameters,
  gradients: Readonly<Record<string, Tensor>>,
  { lr, groups, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamWOptions,
): void {
  const check = (expected: string, ok: boolean, got: unknown): void => {
    if (!ok) {
      throw new ConfigError({ code: 'train/adamw', where: 'adamW', expected, got: String(got) });
    }
  };
  check('a finite learning rate of at least 0', lr >= 0 && lr < Infinity, lr);
  check('beta1 in [0, 1)', beta1 >= 0 && beta1 < 1, beta1);
  check('beta2 in [0, 1)', beta2 >= 0 && beta2 < 1, beta2);
  check('epsilon of at least 0', epsilon >= 0 && epsilon < Infinity, epsilon);
  for (const [name, gradient] of Object.entries(gradients)) {
    const parameter = parameters[name];
    if (!parameter || parameter.shape.join() !== gradient.shape.join()) {
      throw new ShapeError({
        code: 'shape/gradient',
        where: 'adamW',
        expected: parameter
          ? `a gradient of ${name} shaped [${parameter.shape}]`
          : `gradients of known parameters`,
        got: parameter ? `[${gradient.shape}]` : name,
      });
    }
    check(`a group for ${name}`, groups[name] !== undefined, 'none');
  }
}
