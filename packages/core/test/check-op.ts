import { withoutLeaks } from '@imglish/testing';
import { dispose, mul, type Scalar, sum, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { valueAndGradients } from '../src/autodiff/autodiff.js';
import { expectClose, normals, sizeOf, valuesOf } from './numbers.js';

export type Arrays = Record<string, number[]>;

export interface OpCase {
  /** Shape of every input that gets a gradient. */
  shapes: Record<string, number[]>;
  /** Its values instead of normal numbers. */
  values?: Arrays;
  /** The op on tensors. */
  op: (inputs: Record<string, Tensor>) => Tensor;
  /** The same on plain arrays, in float64. */
  reference: (inputs: Arrays) => number[];
  /** Inputs that the op must leave without a gradient. */
  constants?: string[];
  tolerance?: number;
}

/**
 * An op against its reference: the value; every gradient of Σ op · w, w fixed, against central
 * differences of the reference in float64; and no tensor left behind by either.
 */
export function checkOp(given: OpCase): void {
  const { shapes, op, reference, constants = [], tolerance = 1e-5 } = given;
  const names = Object.keys(shapes);
  const arrays: Arrays = Object.fromEntries(
    names.map((name, seed) => [
      name,
      given.values?.[name] ?? normals(sizeOf(shapes[name]!), seed + 1),
    ]),
  );
  const inputs = Object.fromEntries(
    names.map((name) => [name, tensor(arrays[name]!, shapes[name]!, 'float32')]),
  );

  const { value, shape } = withoutLeaks(() => {
    const result = op(inputs);
    const read = { value: valuesOf(result), shape: result.shape };
    result.dispose();
    return read;
  });
  expectClose(value, reference(arrays), tolerance);
  const weights = normals(value.length, 99);
  const w = tensor(weights, shape);

  const gradients = withoutLeaks(() => {
    const result = valueAndGradients(
      (given) => ({ loss: sum(mul(op(given as Record<string, Tensor>), w)) as Scalar }),
      inputs,
    );
    const gradients = Object.fromEntries(
      Object.entries(result.gradients).map(([name, g]) => [name, [g.shape, valuesOf(g)] as const]),
    );
    dispose([result.loss, result.gradients]);
    return gradients;
  });
  const reached = names.filter((name) => !constants.includes(name));
  expect(Object.keys(gradients)).toEqual(reached);
  for (const name of reached) {
    const [shape, values] = gradients[name]!;
    expect(shape).toEqual(shapes[name]);
    expectClose(values, differences(reference, arrays, name, weights), tolerance);
  }
  dispose([w, inputs]);
}

/** ∂(Σ f · w)/∂x by central differences. */
function differences(
  f: (inputs: Arrays) => number[],
  arrays: Arrays,
  name: string,
  weights: number[],
): number[] {
  const h = 1e-5;
  const weighted = (x: number[]) =>
    f({ ...arrays, [name]: x }).reduce((total, y, i) => total + y * weights[i]!, 0);
  return arrays[name]!.map((_, i) => {
    const at = (step: number) => weighted(arrays[name]!.map((x, j) => (j === i ? x + step : x)));
    return (at(h) - at(-h)) / (2 * h);
  });
}
