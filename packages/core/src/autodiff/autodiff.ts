import { keep, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import type { Parameters } from '../parameters/parameters.js';
import { engine } from './engine.js';
import { registerGradients } from './gradients.js';

/** What a differentiated function returns: the loss, and tensors to look at that get no gradient. */
export interface LossAndAux {
  loss: Scalar;
  aux?: Record<string, Tensor>;
}

/** The caller owns every tensor in it. */
export interface ValueAndGradients {
  loss: Scalar;
  aux: Record<string, Tensor>;
  /** ∂loss/∂parameter. Parameters that the loss does not reach have *no* entry: no gradient is not a zero gradient. */
  gradients: Record<string, Tensor>;
}

/**
 * loss = f(θ) and ∂loss/∂θ for every θ that the loss reaches, by reverse-mode differentiation.
 *
 * The only place where Imglish differentiates; everything that `f` makes besides its results is
 * disposed. `f` must use the tensors it is given, not copies captured before.
 */
export function valueAndGradients(
  f: (parameters: Parameters) => LossAndAux,
  parameters: Parameters,
): ValueAndGradients {
  registerGradients();
  const names = Object.keys(parameters);
  const inputs = names.map((name) => parameters[name]!);
  let aux: Record<string, Tensor> = {};
  const { value, grads } = engine().gradients(
    () => {
      const result = f(parameters);
      aux = result.aux ?? {};
      for (const tensor of Object.values(aux)) keep(tensor);
      return result.loss;
    },
    inputs,
    undefined,
    true,
  );
  const gradients: Record<string, Tensor> = {};
  names.forEach((name, i) => {
    const gradient = grads[i];
    if (gradient) gradients[name] = gradient;
  });
  return { loss: value as Scalar, aux, gradients };
}
