import { Tensor, engine as tfjsEngine, version_core } from '@tensorflow/tfjs-core';
import { version } from '../../generated/tfjs-gradients.js';
import { assertEngineVersion, assertOneEngine } from '../backend/one-engine.js';

/** The engine of tfjs: tape, tensor tracking, kernels. */
export type Engine = ReturnType<typeof tfjsEngine>;

/**
 * The one engine of this process.
 *
 * @throws BackendError `backend/two-engines` when two copies of tfjs-core are loaded,
 * `backend/wrong-engine` when the copy is of another version than the gradients.
 */
export function engine(): Engine {
  const copy = { Tensor, version_core };
  assertEngineVersion('engine', copy, version);
  assertOneEngine('engine', copy);
  return tfjsEngine();
}
