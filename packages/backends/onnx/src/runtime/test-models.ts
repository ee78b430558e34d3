import type { ModelTensor, OnnxModel } from '../lower/onnx-model.js';
import { type ProtoGraph, writeModel } from '../lower/proto.js';

const batch = { terms: [{ coefficient: 1, symbols: ['batch'] }] };

/** A model of one node or more, made by hand. */
export function model(
  graph: Pick<ProtoGraph, 'nodes'> & Partial<ProtoGraph>,
  inputs: readonly ModelTensor[],
  outputs: readonly ModelTensor[],
  externalFiles: Readonly<Record<string, string>> = {},
): OnnxModel {
  const values = (tensors: readonly ModelTensor[]) =>
    tensors.map(({ name, shape, dtype }) => ({ name, shape, type: dtype }));
  const bytes = writeModel({
    name: 'test',
    initializers: [],
    values: [],
    ...graph,
    inputs: values(inputs),
    outputs: values(outputs),
  });
  return { bytes, externalFiles, inputs, outputs };
}

export const node = (
  operator: string,
  inputs: string[],
  output: string,
): ProtoGraph['nodes'][number] => ({
  name: output,
  operator,
  domain: '',
  inputs,
  outputs: [output],
  attributes: {},
});

/** y = x + w for `x` [batch, 3] and `w` [3]. */
export const sum: OnnxModel = model(
  { nodes: [node('Add', ['x', 'w'], 'y')] },
  [
    { name: 'x', shape: [batch, 3], dtype: 'float32' },
    { name: 'w', shape: [3], dtype: 'float32' },
  ],
  [{ name: 'y', shape: [batch, 3], dtype: 'float32' }],
);
