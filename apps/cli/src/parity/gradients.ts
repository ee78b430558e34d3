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
import type { FixtureFile } from './fixture-set.js';
import { normOf, type Report } from './report.js';
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

/**
 * ‖g − r‖ ≤ tolerance · max(‖r‖, 1e-3 · ‖all r‖), parameter by parameter; never below 1e-2 ·
 * tolerance, the rounding of terms of size 1, for a loss that is constant (retrieval among one pair).
 */
export function compareGradients(
  report: Report,
  path: string,
  gradients: HostTensorMap,
  expected: FixtureFile,
  tolerance: number,
): void {
  const all = normOf(Object.values(expected));
  for (const [name, { values, shape }] of Object.entries(expected)) {
    const gradient = gradients[name];
    if (!gradient || gradient.shape.join() !== shape.join()) {
      report.check(path, name, false, gradient ? `shape [${gradient.shape}]` : 'no gradient');
      continue;
    }
    const ours = gradient.data;
    const difference = normOf([{ values: values.map((value, i) => ours[i]! - value) }]);
    const limit = tolerance * Math.max(normOf([{ values }]), 1e-3 * all, 1e-2);
    const detail = `‖g − r‖ ${difference.toExponential(1)} of ${limit.toExponential(1)}`;
    report.check(path, name, difference <= limit, detail);
  }
  for (const name of Object.keys(gradients)) {
    if (!expected[name]) report.check(path, name, false, 'a gradient the reference has not');
  }
}
