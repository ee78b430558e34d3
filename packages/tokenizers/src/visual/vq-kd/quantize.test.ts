import '@tensorflow/tfjs-backend-cpu';
import { draw, ops, valueAndGradients } from '@imglish/core';
import { dispose, memory, type Scalar, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { quantize } from './quantize.js';

const [M, C, K] = [4, 3, 5];

function normal(rows: number, columns: number, seed: number): Float32Array {
  const random = draw(seed, 'quantize test');
  return Float32Array.from({ length: rows * columns }, () => random.normal());
}

function normalized(data: Float32Array): Float32Array {
  const out = data.slice();
  for (let at = 0; at < out.length; at += C) {
    const norm = Math.hypot(...out.subarray(at, at + C));
    for (let d = at; d < at + C; d++) out[d]! /= norm;
  }
  return out;
}

const x = normal(M, C, 1);
const weights = normal(M, C, 2);
const rows = normalized(normal(K, C, 3));

/** In double precision, codes fixed: Σ w · z + commitment, what straight-through claims to differentiate. */
function surrogate(values: Float64Array, codes: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < M; i++) {
    const row = values.subarray(i * C, (i + 1) * C);
    const norm = Math.hypot(...row);
    for (let d = 0; d < C; d++) {
      const z = row[d]! / norm;
      total += weights[i * C + d]! * z + (z - rows[codes[i]! * C + d]!) ** 2 / C;
    }
  }
  return total;
}

describe('quantize', () => {
  it('takes the code of the greatest cosine', () => {
    const [vectors, codebook] = [tensor2d(x, [M, C]), tensor2d(rows, [K, C])];
    const result = quantize(vectors, codebook);
    const unit = normalized(x);
    const best = Array.from({ length: M }, (_, i) => {
      const cosines = Array.from({ length: K }, (_, code) =>
        [0, 1, 2].reduce((sum, d) => sum + unit[i * C + d]! * rows[code * C + d]!, 0),
      );
      return cosines.indexOf(Math.max(...cosines));
    });
    expect([...result.codes.dataSync()]).toEqual(best);
    const chosen = best.flatMap((code) => [...rows.subarray(code * C, (code + 1) * C)]);
    expect([...result.quantized.dataSync()]).toEqual(chosen);
    dispose({ ...result });
    dispose([vectors, codebook]);
  });

  it('has the gradient of finite differences, straight through; the codebook has none', () => {
    const before = memory().numTensors;
    const parameters = { x: tensor2d(x, [M, C]), codebook: tensor2d(rows, [K, C]) };
    const weight = tensor2d(weights, [M, C]);
    const { loss, aux, gradients } = valueAndGradients((given) => {
      const result = quantize(given.x as Tensor2D, given.codebook as Tensor2D);
      const pulled = ops.sum(ops.mul(result.quantized, weight));
      const loss = ops.add(pulled, result.commitment) as Scalar;
      return { loss, aux: { codes: result.codes } };
    }, parameters);
    const codes = aux.codes!.dataSync();
    expect(Object.keys(gradients)).toEqual(['x']);
    const gradient = gradients.x!.dataSync();
    for (let i = 0; i < x.length; i++) {
      const step = 1e-5;
      const moved = (by: number) => {
        const values = Float64Array.from(x);
        values[i]! += by;
        return surrogate(values, codes);
      };
      expect(gradient[i]).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 4);
    }
    dispose([loss, aux, gradients, parameters, weight]);
    expect(memory().numTensors).toBe(before);
  });

  it('refuses vectors of another size than the codes', () => {
    const [vectors, codebook] = [tensor2d(x, [C, M]), tensor2d(rows, [K, C])];
    expect(() => quantize(vectors, codebook)).toThrow(
      expect.objectContaining({ code: 'shape/quantize' }),
    );
    dispose([vectors, codebook]);
  });
});
