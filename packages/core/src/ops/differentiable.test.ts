import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import {
  mul,
  type Scalar,
  scalar,
  square,
  sum,
  type Tensor,
  tensor1d,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { valuesOf } from '../../test/numbers.js';
import { valueAndGradients } from '../autodiff/autodiff.js';
import { differentiable } from './differentiable.js';

/** x · c with a gradient of 100 · dy, so that it is known which one was used. */
function scaled(x: Tensor, c: Tensor): Tensor {
  return differentiable(
    [x, c],
    () => mul(square(x), c),
    (dy) => [mul(mul(dy, 10), 10), scalar(0)],
  );
}

describe('differentiable', () => {
  it('uses the given gradient', () => {
    const [x, c] = [tensor1d([1, 2]), tensor1d([3, 4])];
    const { loss, gradients } = valueAndGradients(
      (p) => ({ loss: sum(scaled(p.x!, c)) as Scalar }),
      { x },
    );
    expect(valuesOf(loss)).toEqual([19]);
    expect(valuesOf(gradients.x!)).toEqual([100, 100]);
  });

  it('fails where a constant is asked for its gradient', () => {
    const [x, c] = [tensor1d([1, 2]), tensor1d([3, 4])];
    const loss = (p: Record<string, Tensor>) => ({ loss: sum(scaled(p.x!, p.c!)) as Scalar });
    expect(() => valueAndGradients(loss, { x, c })).toThrow(/shape/);
  });

  it('keeps nothing when its forward pass throws after saving', () => {
    const x = tensor1d([1, 2]);
    const failing = (x: Tensor) =>
      differentiable(
        [x],
        (save) => {
          save([square(x)]);
          throw new Error('no memory');
        },
        (dy) => [dy],
      );
    withoutLeaks(() => {
      const f = () => valueAndGradients((p) => ({ loss: sum(failing(p.x!)) as Scalar }), { x });
      expect(f).toThrow('no memory');
    });
  });
});
