import '@tensorflow/tfjs-backend-cpu';
import { ones } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkOp } from '../../test/check-op.js';
import { layerNormOf, rowsOf } from '../../test/reference.js';
import { layerNorm } from './layer-norm.js';

describe('layerNorm', () => {
  it.each([
    { x: [6], epsilon: 1e-5 },
    { x: [3, 6], epsilon: 1e-5 },
    { x: [2, 1, 5], epsilon: 1e-5 },
    { x: [2, 2, 2, 4], epsilon: 0.1 },
    { x: [3, 1], epsilon: 0.5 },
  ])('normalises the last axis of x [$x] with epsilon $epsilon', ({ x, epsilon }) => {
    const size = x.at(-1)!;
    checkOp({
      shapes: { x, gamma: [size], beta: [size] },
      op: (given) => layerNorm(given.x!, given.gamma!, given.beta!, epsilon),
      reference: (given) =>
        rowsOf(given.x!, size).flatMap((row) =>
          layerNormOf(row, given.gamma!, given.beta!, epsilon),
        ),
      tolerance: 2e-5,
    });
  });

  it('gives beta for a row without variance', () => {
    const y = layerNorm(ones([1, 4]), ones([4]), ones([4]), 1e-5);
    expect([...y.dataSync()]).toEqual([1, 1, 1, 1]);
  });

  it.each([
    [[3], [4]],
    [[4], [1]],
    [[2, 2], [4]],
  ])('refuses gamma [%s] and beta [%s] for a width of 4', (gamma, beta) => {
    expect(() => layerNorm(ones([2, 4]), ones(gamma), ones(beta), 1e-5)).toThrow(
      expect.objectContaining({ code: 'shape/layer-norm' }),
    );
  });
});
