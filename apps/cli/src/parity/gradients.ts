import {
  type HostTensorMap,
  type ModelConfig,
  type Parameters,
  type TensorMap,
  type Traceable,
  valueAndGradients,
} from '@imglish/core';
import { globalNorm } from '@imglish/train';
import { mul, type Scalar } from '@tensorflow/tfjs-core';
import type { LossCase, TaskCase } from './task-cases.js';

const PREFIX = 'gradient.';

/** The mean loss of a task's outputs. */
export function meanLoss(
  task: TaskCase,
  config: ModelConfig,
  { loss }: LossCase,
  inputs: TensorMap,
  parameters: Parameters,
): Scalar {
  const { sum, count } = loss(task.forward(parameters, config, inputs), inputs);
  return mul(sum, 1 / count) as Scalar;
}

/**
 * A loss with its gradients as one function of inputs: `loss`, `norm` (of all gradients) and a
 * gradient for each parameter that has one. `differentiated` chooses by what.
 */
export function lossAndGradients(
  loss: (inputs: TensorMap, parameters: Parameters) => Scalar,
  differentiated: (inputs: TensorMap, parameters: Parameters) => Parameters = (_, parameters) =>
    parameters,
): Traceable {
  return function lossAndGradients(inputs, parameters) {
    const { loss: value, gradients } = valueAndGradients(
      (given) => ({ loss: loss(inputs, given) }),
      differentiated(inputs, parameters),
    );
    const named = Object.entries(gradients).map(([name, tensor]) => [PREFIX + name, tensor]);
    return { loss: value, norm: globalNorm(gradients), ...Object.fromEntries(named) };
  };
}

/** The gradients among the outputs of `lossAndGradients`, by parameter. */
export function gradientsOf(outputs: HostTensorMap): HostTensorMap {
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, gradient]) => [name.slice(PREFIX.length), gradient]),
  );
}
