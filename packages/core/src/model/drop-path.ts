import { draw } from '../random/random.js';
import type { ModelConfig } from './config.js';

/** Rate of each layer: linspace(0, rate, layers), so layer 0 always stays (encoder.py:34-38). */
export function dropPathRates({ layers, dropPathRate }: ModelConfig): number[] {
  return Array.from({ length: layers }, (_, layer) =>
    layers === 1 ? 0 : (dropPathRate * layer) / (layers - 1),
  );
}

/**
 * Stochastic depth (Huang et al. 2016): what each sample's residual branches are multiplied by,
 * `[layers, 2, B]` row-major: 0 with the layer's rate p, else 1 / (1 − p). An input of the step.
 */
export function drawDropPath(
  config: ModelConfig,
  seed: number,
  step: number,
  sampleIndices: readonly number[],
): Float32Array {
  const rates = dropPathRates(config);
  const batch = sampleIndices.length;
  const factors = new Float32Array(rates.length * 2 * batch);
  sampleIndices.forEach((sampleIndex, b) => {
    const random = draw(seed, 'drop path', step, sampleIndex);
    rates.forEach((rate, layer) => {
      for (let branch = 0; branch < 2; branch++) {
        const kept = random.uniform() >= rate;
        factors[(layer * 2 + branch) * batch + b] = kept ? 1 / (1 - rate) : 0;
      }
    });
  });
  return factors;
}
