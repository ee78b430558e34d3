import '@tensorflow/tfjs-backend-cpu';
import { memory, scalar, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { clipFactor, globalNorm } from './clip.js';

describe('gradient clipping', () => {
  it('measures the norm over all gradients', () => {
    const gradients = {
      a: tensor2d([
        [1, -2],
        [2, 4],
      ]),
      b: tensor1d([4, 0, -2]),
      c: scalar(6),
    };
    const before = memory().numTensors;
    const norm = globalNorm(gradients);
    expect(norm.dataSync()[0]).toBeCloseTo(9, 5);
    expect(memory().numTensors).toBe(before + 1);
    expect(globalNorm({}).dataSync()[0]).toBe(0);
  });

  it('never enlarges', () => {
    expect(clipFactor(9, 3)).toBe(3 / (9 + 1e-6));
    expect(clipFactor(2, 3)).toBe(1);
    expect(clipFactor(0, 3)).toBe(1);
  });
});
