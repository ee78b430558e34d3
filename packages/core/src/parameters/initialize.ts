import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { draw, type RandomStream } from '../random/random.js';
import type { ParameterSpec, ParameterSpecs } from './parameters.js';

/** The first values of a parameter, row-major; they depend on seed and name only. */
export function initialValues(name: string, spec: ParameterSpec, seed: number): Float32Array {
  const size = spec.shape.reduce((product, n) => product * n, 1);
  const values = new Float32Array(size);
  const next = sampler(spec, draw(seed, `initialize ${name}`));
  for (let i = 0; i < size; i++) values[i] = next();
  return values;
}

/** A fresh set of parameters; the caller owns the tensors. */
export function initializeParameters(specs: ParameterSpecs, seed: number): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      tensor(initialValues(name, spec, seed), [...spec.shape], 'float32'),
    ]),
  );
}

function sampler({ init }: ParameterSpec, random: RandomStream): () => number {
  switch (init.kind) {
    case 'zeros':
      return () => 0;
    case 'ones':
      return () => 1;
    case 'constant':
      return () => init.value;
    case 'normal':
      return () => random.normal() * init.std;
    case 'uniform':
      return () => (2 * random.uniform() - 1) * init.limit;
    case 'truncatedNormal':
      return () => {
        for (;;) {
          const value = random.normal() * init.std;
          if (Math.abs(value) <= init.limit) return value * (init.scale ?? 1);
        }
      };
  }
}
