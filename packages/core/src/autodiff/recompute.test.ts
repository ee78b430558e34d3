import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import {
  add,
  dispose,
  exp,
  clone as identity,
  mul,
  registerKernel,
  type Scalar,
  square,
  sum,
  type Tensor,
  tensor1d,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { valuesOf } from '../../test/numbers.js';
import type { Parameters } from '../parameters/parameters.js';
import { valueAndGradients } from './autodiff.js';
import { recompute } from './recompute.js';

const parameters = {
  a: tensor1d([1, 2]),
  b: tensor1d([3, 4]),
  unread: tensor1d([5, 6]),
  cut: tensor1d([7, 8]),
};
const mask = tensor1d([0.5, -1]);

let runs = 0;
function block([x]: Tensor[], p: Parameters, [mask]: Tensor[]): Tensor {
  runs++;
  return mul(add(square(mul(x!, p.b!)), exp(p.b!)), mask!);
}

/** A loss around the block: something before it, something after it, and its parameter once more. */
function gradientsOf(recomputing: boolean): Record<string, number[]> {
  return withoutLeaks(() => {
    const { loss, gradients } = valueAndGradients((p) => {
      const x = exp(p.a!);
      const y = recomputing
        ? recompute(block, { x: [x], parameters: p, constants: [mask] })
        : block([x], p, [mask]);
      return { loss: sum(add(square(y), p.b!)) as Scalar };
    }, parameters);
    const values = Object.entries({ loss, ...gradients }).map(([name, g]) => [name, valuesOf(g)]);
    dispose([loss, gradients]);
    return Object.fromEntries(values);
  });
}

describe('recompute', () => {
  it('gives the same loss and gradients, and runs its function twice', () => {
    const plain = gradientsOf(false);
    runs = 0;
    const recomputed = gradientsOf(true);
    expect(runs).toBe(2);
    expect(recomputed).toEqual(plain);
    expect(Object.keys(recomputed)).toEqual(['loss', 'a', 'b']);
  });

  it('reads its input after the incoming gradient, where a backend can say so', () => {
    const plain = gradientsOf(false);
    const calls: string[] = [];
    const kernel = { kernelName: 'ImglishAfter', backendName: 'cpu' };
    registerKernel({
      ...kernel,
      kernelFunc: ({ inputs }) => {
        const { x, token } = inputs as { x: Tensor; token: Tensor };
        calls.push(`${valuesOf(x)} after ${token.shape}`);
        return identity(x);
      },
    });
    try {
      expect(gradientsOf(true)).toEqual(plain);
      expect(calls).toEqual([`${valuesOf(exp(parameters.a))} after 2`]);
    } finally {
      unregisterKernel(kernel.kernelName, kernel.backendName);
    }
  });

  it('runs once where no gradient is asked for, and leaves only its value', () => {
    runs = 0;
    const inputs = { x: [parameters.a], parameters, constants: [mask] };
    const value = withoutLeaks(() => {
      const result = recompute(block, inputs);
      const values = valuesOf(result);
      result.dispose();
      return values;
    });
    expect(runs).toBe(1);
    expect(value).toEqual(valuesOf(block([parameters.a], parameters, [mask])));
  });

  it('gives a zero gradient to a parameter that is read without effect, none to others', () => {
    const { gradients } = valueAndGradients((p) => {
      const f = ([x]: Tensor[], q: Parameters) => add(x!, mul(q.cut!, 0));
      return { loss: sum(recompute(f, { x: [p.a!], parameters: p })) as Scalar };
    }, parameters);
    expect(Object.keys(gradients)).toEqual(['a', 'cut']);
    expect(valuesOf(gradients.cut!)).toEqual([0, 0]);
  });

  it('nests', () => {
    const inner = ([x]: Tensor[], q: Parameters) => square(mul(x!, q.b!));
    const outer = ([x]: Tensor[], q: Parameters) =>
      mul(recompute(inner, { x: [exp(x!)], parameters: q }), q.b!);
    const of = (f: (p: Parameters) => Tensor) => {
      const { gradients } = valueAndGradients((p) => ({ loss: sum(f(p)) as Scalar }), parameters);
      return Object.entries(gradients).map(([name, g]) => [name, valuesOf(g)]);
    };
    expect(of((p) => recompute(outer, { x: [p.a!], parameters: p }))).toEqual(
      of((p) => mul(inner([exp(p.a!)], p), p.b!)),
    );
  });
});
