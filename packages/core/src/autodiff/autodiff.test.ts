import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import {
  add,
  dispose,
  memory,
  mul,
  type Scalar,
  scalar,
  square,
  sum,
  type Tensor,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { valuesOf } from '../../test/numbers.js';
import { differentiable } from '../ops/differentiable.js';
import type { Parameters } from '../parameters/parameters.js';
import { valueAndGradients } from './autodiff.js';
import { engine } from './engine.js';
import { recompute } from './recompute.js';
import { withoutTape } from './without-tape.js';

const a = tensor1d([1, 2]);
const b = tensor1d([3, 4]);
const c = tensor1d([5, 6]);
const loss = (x: Tensor): Scalar => sum(x) as Scalar;

const state = () =>
  (engine() as unknown as { state: { activeTape: unknown; gradientDepth: number } }).state;

function expectCleanEngine(): void {
  expect(state().activeTape).toBeNull();
  expect(state().gradientDepth).toBe(0);
}

/** x, with a gradient that throws. */
function explosive(x: Tensor): Tensor {
  return differentiable(
    [x],
    () => mul(x, 1),
    () => {
      throw new Error('backward');
    },
  );
}

describe('valueAndGradients', () => {
  it('gives the loss, its gradients and what else is asked for, and nothing else', () => {
    withoutLeaks(() => {
      const result = valueAndGradients(
        (p) => {
          const product = mul(p.a!, p.b!);
          return { loss: loss(square(product)), aux: { product } };
        },
        { a, b },
      );
      expect(valuesOf(result.loss)).toEqual([73]);
      expect(valuesOf(result.aux.product!)).toEqual([3, 8]);
      expect(valuesOf(result.gradients.a!)).toEqual([18, 64]);
      expect(valuesOf(result.gradients.b!)).toEqual([6, 32]);
      dispose([result.loss, result.aux, result.gradients]);
    });
    expectCleanEngine();
  });

  it('tells no gradient from a gradient of zero', () => {
    const f = (p: Parameters) => ({ loss: loss(add(p.a!, mul(p.b!, 0))) });
    const { gradients } = valueAndGradients(f, { a, b, c });
    expect(Object.keys(gradients)).toEqual(['a', 'b']);
    expect(valuesOf(gradients.b!)).toEqual([0, 0]);
  });

  it('has no gradients for a loss that reaches no parameter', () => {
    const { gradients } = valueAndGradients(() => ({ loss: scalar(1) }), { a });
    expect(gradients).toEqual({});
  });

  it('sends nothing back through what is only looked at', () => {
    const f = (p: Parameters) => ({ loss: loss(p.a!), aux: { seen: square(p.b!) } });
    const { gradients, aux } = valueAndGradients(f, { a, b });
    expect(Object.keys(gradients)).toEqual(['a']);
    expect(valuesOf(aux.seen!)).toEqual([9, 16]);
  });

  it('leaves a parameter to its owner even if it is handed on', () => {
    const s = scalar(2);
    const result = valueAndGradients((p) => ({ loss: p.s as Scalar, aux: { same: p.s! } }), { s });
    expect(valuesOf(result.gradients.s!)).toEqual([1]);
    dispose([result.loss, result.aux, result.gradients]);
    expect(valuesOf(s)).toEqual([2]);
  });

  it('leaves its results to a tidy around it', () => {
    withoutLeaks(() =>
      tidy(() => {
        valueAndGradients((p) => ({ loss: loss(p.a!), aux: { a: square(p.a!) } }), { a });
      }),
    );
  });

  it('refuses a loss that is no scalar, and nothing to differentiate by', () => {
    withoutLeaks(() => {
      expect(() => valueAndGradients((p) => ({ loss: square(p.a!) as Scalar }), { a })).toThrow(
        expect.objectContaining({ code: 'shape/loss' }),
      );
      expect(() => valueAndGradients(() => ({ loss: scalar(1) }), {})).toThrow(
        expect.objectContaining({ code: 'config/no-parameters' }),
      );
    });
    expectCleanEngine();
  });
});

describe('an error while differentiating', () => {
  it.each<[where: string, f: (p: Parameters) => { loss: Scalar; aux?: Record<string, Tensor> }]>([
    [
      'forward',
      (p) => {
        square(mul(p.a!, p.b!));
        throw new Error('forward');
      },
    ],
    ['backward', (p) => ({ loss: loss(explosive(mul(p.a!, p.b!))), aux: { seen: square(p.a!) } })],
    [
      'backward',
      (p) => ({
        loss: loss(
          recompute(([x], q) => explosive(mul(square(x!), q.b!)), { x: [p.a!], parameters: p }),
        ),
      }),
    ],
    [
      'inner',
      (p) => ({
        loss: loss(
          recompute(
            ([x]) => {
              square(x!);
              throw new Error('inner');
            },
            { x: [p.a!], parameters: p },
          ),
        ),
      }),
    ],
  ])('(%s) leaves the engine as it was', (where, f) => {
    const before = memory();
    expect(() => valueAndGradients(f, { a, b })).toThrow(where);
    expectCleanEngine();
    expect(memory().numTensors).toBe(before.numTensors);
    expect(memory().numBytes).toBe(before.numBytes);
    // and the next one is right
    const { gradients } = valueAndGradients((p) => ({ loss: loss(square(p.a!)) }), { a });
    expect(valuesOf(gradients.a!)).toEqual([2, 4]);
    dispose(gradients);
  });
});

describe('withoutTape', () => {
  it('makes a constant, and puts the tape back, also when it throws', () => {
    const { gradients } = valueAndGradients(
      (p) => {
        const constant = withoutTape(() => square(p.a!));
        expect(() =>
          withoutTape(() => {
            throw new Error('inside');
          }),
        ).toThrow('inside');
        return { loss: loss(mul(constant, p.a!)) };
      },
      { a },
    );
    expect(valuesOf(gradients.a!)).toEqual([1, 4]);
  });

  it('may differentiate inside', () => {
    const { gradients } = valueAndGradients(
      (p) => {
        const inner = withoutTape(
          () => valueAndGradients((q) => ({ loss: loss(square(q.a!)) }), { a: p.a! }).gradients.a!,
        );
        return { loss: loss(mul(inner, square(p.a!))) };
      },
      { a },
    );
    expect(valuesOf(gradients.a!)).toEqual([4, 16]); // 2a is a constant: (2a · a²)′ = 2a · 2a
  });
});
