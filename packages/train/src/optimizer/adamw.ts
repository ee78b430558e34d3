import { engine, type Parameters, ShapeError } from '@imglish/core';
import { getBackend, getKernel, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { adamWUpdate, check, checkedAdamW, stepFactors } from './adamw-update.js';
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
  const { lr, groups, release = false } = options;
  const { beta1, beta2, epsilon } = checkedAdamW(options, lr);
  checkGradients(parameters, gradients, groups);
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
  const { beta1, beta2, epsilon } = attributes;
  const factors = { beta1, beta2, epsilon, ...stepFactors(attributes) };
  return tidy(() => adamWUpdate(parameter, gradient, m, v, factors));
}

function checkGradients(
  parameters: Parameters,
  gradients: Readonly<Record<string, Tensor>>,
  groups: ParameterGroups,
): void {
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
