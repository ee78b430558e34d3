import { draw, type ModelConfig, type ParameterSpecs } from '@imglish/core';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { pretrainSpecs } from '../src/index.js';
import { CODES } from './toy.js';

/** Numbers for every parameter, none of them 0 or 1: a tensor that is mixed up shows. */
export function randomParameters(
  config: ModelConfig,
  specs: ParameterSpecs = pretrainSpecs(config, CODES),
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, init }]) => {
      const random = draw(4, name);
      const size = shape.reduce((product, n) => product * n, 1);
      const centre = init.kind === 'ones' ? 1 : 0;
      const values = Float32Array.from({ length: size }, () => centre + 0.3 * random.normal());
      return [name, tensor(values, [...shape], 'float32')];
    }),
  );
}
