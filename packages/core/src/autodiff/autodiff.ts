import { keep, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import { ConfigError, ShapeError } from '../errors/errors.js';
import { disposeAll, type Parameters } from '../parameters/parameters.js';
import { registerGradients } from './gradients.js';
import { reverse } from './reverse.js';
import { withoutTape } from './without-tape.js';

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
 * disposed, and everything it makes when it throws. `f` must use the tensors it is given, not
 * copies captured before.
 *
 * @throws ShapeError `shape/loss` for a loss that is no scalar, ConfigError `config/no-parameters`
 * when there is nothing to differentiate by.
 */
export function valueAndGradients(
  f: (parameters: Parameters) => LossAndAux,
  parameters: Parameters,
): ValueAndGradients {
  registerGradients();
  const names = Object.keys(parameters);
  const inputs = names.map((name) => parameters[name]!);
  if (names.length === 0) {
    throw new ConfigError({
      code: 'config/no-parameters',
      where: 'valueAndGradients',
      expected: 'at least one parameter',
      got: 'none',
    });
  }
  // Clones outlive the tape, and leave a parameter that `f` hands on to its owner.
  const kept: Record<string, Tensor> = {};
  try {
    const { value, gradients } = reverse(() => {
      const { loss, aux = {} } = f(parameters);
      requireScalar(loss);
      withoutTape(() => {
        for (const [name, tensor] of Object.entries(aux)) kept[name] = keep(tensor.clone());
      });
      return inputs.includes(loss) ? loss.clone() : loss;
    }, inputs);
    return {
      loss: value as Scalar,
      aux: mapTensors(kept, (tensor) => tensor.clone()),
      gradients: Object.fromEntries(
        names.flatMap((name, i) => (gradients[i] ? [[name, gradients[i]]] : [])),
      ),
    };
  } finally {
    disposeAll(kept);
  }
}

function mapTensors(
  tensors: Record<string, Tensor>,
  map: (tensor: Tensor) => Tensor,
): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, map(tensor)]));
}

function requireScalar(loss: Tensor): void {
  if (loss.rank === 0) return;
  throw new ShapeError({
    code: 'shape/loss',
    where: 'valueAndGradients',
    expected: 'a scalar loss',
    got: `[${loss.shape}]`,
    fix: 'Sum or average it.',
  });
}
