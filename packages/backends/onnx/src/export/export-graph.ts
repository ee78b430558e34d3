import type { ProtoGraph, ProtoInitializer, ProtoNode } from '../lower/proto.js';
import { float32Weight, type Weight } from './weight.js';
import type { WeightSource } from './weight-source.js';

/** An ONNX graph whose weights are still to be read; the other initializers are small. */
export interface ExportGraph extends ProtoGraph {
  readonly weights: readonly Weight[];
}

/** The graph with the initializers that are parameters as weights. */
export function withWeights(
  graph: ProtoGraph,
  sources: Readonly<Record<string, WeightSource>>,
): ExportGraph {
  const isWeight = ({ name }: ProtoInitializer) => sources[name] !== undefined;
  const weights = graph.initializers
    .filter(isWeight)
    .map(({ name, shape }) => float32Weight(name, sources[name]!, shape));
  return { ...graph, initializers: graph.initializers.filter((each) => !isWeight(each)), weights };
}

/** How often each value is read, by nodes and as an output. */
export function usesOf(
  nodes: readonly ProtoNode[],
  outputs: ProtoGraph['outputs'],
): Map<string, number> {
  const uses = new Map<string, number>();
  const read = [...nodes.flatMap(({ inputs }) => inputs), ...outputs.map(({ name }) => name)];
  for (const name of read) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

/**
 * Weights in the shape they are used in: a Reshape of a weight to known sizes is what the weight is
 * written as, if nobody else reads it.
 */
export function foldReshapes(graph: ExportGraph): ExportGraph {
  const uses = usesOf(graph.nodes, graph.outputs);
  const weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  const shapes = new Map(graph.initializers.map(({ name, values }) => [name, values]));
  const given = new Set(graph.outputs.map(({ name }) => name));
  const renamed = new Map<string, string>();
  const nodes = graph.nodes.filter(({ operator, inputs, outputs }) => {
    const weight = weights.get(inputs[0] ?? '');
    const bytes = shapes.get(inputs[1] ?? '');
    const isSole = weight && uses.get(weight.name) === 1 && !given.has(outputs[0]!);
    if (operator !== 'Reshape' || !isSole || !(bytes instanceof Uint8Array)) return true;
    const shape = Array.from(new BigInt64Array(bytes.slice().buffer), Number);
    if (shape.some((size) => size <= 0)) return true;
    weights.set(weight.name, float32Weight(weight.name, weight.source, shape));
    renamed.set(outputs[0]!, weight.name);
    return false;
  });
  return withoutUnused({
    ...graph,
    nodes: nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => renamed.get(name) ?? name),
    })),
    values: graph.values.filter(({ name }) => !renamed.has(name)),
    weights: [...weights.values()],
  });
}

/** Without initializers and weights that nothing reads. */
export function withoutUnused(graph: ExportGraph): ExportGraph {
  const uses = usesOf(graph.nodes, graph.outputs);
  return {
    ...graph,
    initializers: graph.initializers.filter(({ name }) => uses.has(name)),
    weights: graph.weights.filter(({ name }) => uses.has(name)),
  };
}
