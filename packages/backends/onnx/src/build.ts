import type { CompileOptions, TensorSpec, Traceable } from '@imglish/core';
import { generalTrace } from './generalise/general-trace.js';
import type { Graph } from './graph/graph.js';
import { lower } from './lower/lower.js';
import type { OnnxModel } from './lower/onnx-model.js';
import { assertInPlace } from './passes/in-place.js';
import { optimise } from './passes/optimise.js';

/**
 * `f` as a graph, for inputs of the names, types and shapes of `example` and for every value of the
 * free sizes: traced, generalised, simplified.
 *
 * @throws BackendError what `generalTrace` throws, and `backend/in-place`.
 */
export async function graphOf(
  f: Traceable,
  example: Readonly<Record<string, TensorSpec>>,
  { freeSizes = {}, parameters = {}, inPlace, name }: CompileOptions = {},
): Promise<Graph> {
  const held = Object.fromEntries(
    Object.entries(parameters).map(([key, { shape }]) => [
      key,
      { shape, dtype: 'float32' } satisfies TensorSpec,
    ]),
  );
  const options = { parameters: held, ...(name !== undefined && { name }) };
  const graph = optimise(await generalTrace(f, example, freeSizes, options));
  if (inPlace) assertInPlace(graph, inPlace);
  return graph;
}

/** `graphOf`, lowered to an ONNX model. */
export async function build(
  f: Traceable,
  example: Readonly<Record<string, TensorSpec>>,
  options: CompileOptions = {},
): Promise<OnnxModel> {
  return lower(await graphOf(f, example, options), options.parameters ?? {});
}
