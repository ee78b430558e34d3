import { draw, drawDropPath, type ModelConfig } from '@imglish/core';
import { type Tensor3D, tensor3d } from '@tensorflow/tfjs-core';

/**
 * What the residual branches of these samples are multiplied by, `[layers, 2, B]`; nothing in a model
 * without stochastic depth. Every `pass`, by its name, draws its own.
 */
export function dropPathOf(
  config: ModelConfig,
  seed: number,
  pass: string,
  numbers: readonly number[],
): Tensor3D | undefined {
  if (config.dropPathRate === 0) return undefined;
  const own = draw(seed, `drop path of ${pass}`).uint32();
  const factors = drawDropPath(config, own, 0, numbers);
  return tensor3d(factors, [config.layers, 2, numbers.length]);
}
