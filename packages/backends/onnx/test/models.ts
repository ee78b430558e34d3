import type { ModelTensor, OnnxModel } from '../src/lower/onnx-model.js';
import { type ProtoInitializer, type ProtoNode, writeModel } from '../src/lower/proto.js';

// Models made by hand, for tests.

export const batch = { terms: [{ coefficient: 1, symbols: ['batch'] }] } as const;

export function model(
  nodes: readonly ProtoNode[],
  inputs: readonly ModelTensor[],
  outputs: readonly ModelTensor[],
  initializers: readonly ProtoInitializer[] = [],
  externalFiles: Readonly<Record<string, string>> = {},
): OnnxModel {
  const values = (tensors: readonly ModelTensor[]) =>
    tensors.map(({ name, shape, dtype }) => ({ name, shape, type: dtype }));
  const bytes = writeModel({
    name: 'test',
    nodes,
    initializers,
    values: [],
    inputs: values(inputs),
    outputs: values(outputs),
  });
  return {
    bytes,
    externalFiles,
    inputs,
    outputs: outputs.map((output) => ({ ...output, as: output.name.replace(/:out$/, '') })),
  };
}

export function node(
  operator: string,
  inputs: string[],
  output: string,
  attributes: ProtoNode['attributes'] = {},
): ProtoNode {
  return { name: output, operator, domain: '', inputs, outputs: [output], attributes };
}

export const float = (name: string, shape: ModelTensor['shape']): ModelTensor => ({
  name,
  shape,
  dtype: 'float32',
});

/** y = x + w for x `[batch, 3]` and w `[3]`. */
export const sum: OnnxModel = model(
  [node('Add', ['x', 'w'], 'y')],
  [float('x', [batch, 3]), float('w', [3])],
  [float('y', [batch, 3])],
);

/** x = x + x for x `[n]`: the function calls its output as its input. */
export const doubled = (n: number): OnnxModel =>
  model([node('Add', ['x', 'x'], 'x:out')], [float('x', [n])], [float('x:out', [n])]);

/** y = 2 x, z = 3 x, both `[n]`. */
export const multiples = (n: number): OnnxModel =>
  model(
    [node('Add', ['x', 'x'], 'y'), node('Add', ['y', 'x'], 'z')],
    [float('x', [n])],
    [float('y', [n]), float('z', [n])],
  );

/** y = x x … x, `times` products of x `[n, n]` with itself: takes as long as one wants. */
export const power = (n: number, times: number): OnnxModel =>
  model(
    Array.from({ length: times }, (_, i) =>
      node('MatMul', [i === 0 ? 'x' : `y${i}`, 'x'], i === times - 1 ? 'y' : `y${i + 1}`),
    ),
    [float('x', [n, n])],
    [float('y', [n, n])],
  );
