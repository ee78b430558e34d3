import '@tensorflow/tfjs-backend-cpu';
import { ones } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkOp } from '../../test/check-op.js';
import { dot, rowsOf } from '../../test/reference.js';
import { linear } from './linear.js';

describe('linear', () => {
  it.each([
    { x: [5], out: 3 },
    { x: [4, 5], out: 3 },
    { x: [2, 3, 5], out: 7 },
    { x: [2, 1, 3, 5], out: 1 },
    { x: [1, 1], out: 1 },
  ])('is x Wᵀ + b and x Wᵀ for x [$x] and $out outputs', ({ x, out }) => {
    const inner = x.at(-1)!;
    const shapes = { x, weight: [out, inner] };
    const product = (given: Record<string, number[]>, bias: number[]) =>
      rowsOf(given.x!, inner).flatMap((row) =>
        rowsOf(given.weight!, inner).map((w, o) => dot(row, w) + bias[o]!),
      );
    checkOp({
      shapes: { ...shapes, bias: [out] },
      op: (given) => linear(given.x!, given.weight!, given.bias),
      reference: (given) => product(given, given.bias!),
    });
    checkOp({
      shapes,
      op: (given) => linear(given.x!, given.weight!),
      reference: (given) => product(given, Array(out).fill(0)),
    });
  });

  it.each([
    [[2, 3], [4, 2], [4]],
    [[2, 3], [3], [3]],
    [[2, 3], [4, 3], [3]],
    [
      [2, 3],
      [4, 3],
      [4, 1],
    ],
  ])('refuses x [%s] with weight [%s] and bias [%s]', (x, weight, bias) => {
    expect(() => linear(ones(x), ones(weight), ones(bias))).toThrow(
      expect.objectContaining({ code: 'shape/linear' }),
    );
  });
});
