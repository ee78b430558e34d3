import { type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { after } from '../ops/after.js';
import { differentiable } from '../ops/differentiable.js';
import type { Parameters } from '../parameters/parameters.js';
import { reverse } from './reverse.js';
import { withoutTape } from './without-tape.js';

/** Tensors that a recomputed part reads: `x` and `parameters` get gradients, `constants` do not. */
export interface RecomputeInputs {
  x: Tensor[];
  parameters: Parameters;
  constants?: Tensor[];
}

/**
 * f(x, θ) with activation checkpointing (Chen et al. 2016, arXiv 1604.06174): nothing inside `f`
 * is kept for the gradient; it is run a second time when its gradient is asked for.
 *
 * `f` must read tensors only through its arguments. A parameter that `f` does not read is no input,
 * so it gets no gradient, as without recompute.
 */
export function recompute(
  f: (x: Tensor[], parameters: Parameters, constants: Tensor[]) => Tensor,
  { x, parameters, constants = [] }: RecomputeInputs,
): Tensor {
  const read = new Set<string>();
  const value = withoutTape(() => tidy(() => f(x, recordReads(parameters, read), constants)));
  const names = [...read];
  const split = (tensors: Tensor[]) => ({
    x: tensors.slice(0, x.length),
    parameters: Object.fromEntries(names.map((name, i) => [name, tensors[x.length + i]!])),
    constants: tensors.slice(x.length + names.length),
  });
  const inputs = [...x, ...names.map((name) => parameters[name]!), ...constants];
  const differentiated = x.length + names.length;

  return differentiable(
    inputs,
    (save) => {
      save(inputs);
      return value;
    },
    (dy, saved) => {
      const gradients = withoutTape(() =>
        tidy(() => {
          // A graph in which equal parts are merged would otherwise keep what is to be forgotten.
          const inputs = saved.map((tensor, i) => (i < x.length ? after(tensor, dy) : tensor));
          const again = split(inputs);
          const run = () => f(again.x, again.parameters, again.constants);
          return reverse(run, inputs.slice(0, differentiated), dy).gradients;
        }),
      );
      return saved.map((tensor, i) => gradients[i] ?? zerosLike(tensor));
    },
  );
}

function recordReads(parameters: Parameters, read: Set<string>): Parameters {
  return new Proxy(parameters, {
    get(target, name: string) {
      if (target[name]) read.add(name);
      return target[name];
    },
  });
}
