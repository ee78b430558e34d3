import { ELEMENT_TYPES, type ElementType, type ProtoNode } from '../lower/proto.js';
import type { ExportGraph } from './export-graph.js';

const TRUTHS = new Set([
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'IsInf', 'IsNaN'],
  ...['Not', 'And', 'Or', 'Xor'],
]);
const COUNTS = new Set(['Shape', 'ArgMax', 'ArgMin']);
/** Operators whose second output says where the values of the first came from. */
const PLACES = new Set(['TopK', 'MaxPool']);
const NAMES: ReadonlyMap<number, ElementType> = new Map(
  Object.entries(ELEMENT_TYPES).map(([name, number]) => [number, name as ElementType]),
);

/** The element type of every value of a graph, as the operators of kernels have it. */
export function elementTypes(graph: ExportGraph): Map<string, ElementType> {
  const types = new Map<string, ElementType>();
  for (const { name, type } of [...graph.inputs, ...graph.initializers, ...graph.weights]) {
    types.set(name, type);
  }
  for (const node of graph.nodes) {
    node.outputs.forEach((name, i) => {
      types.set(name, outputType(node, i, types));
    });
  }
  return types;
}

function outputType(
  { operator, inputs, attributes }: ProtoNode,
  index: number,
  types: ReadonlyMap<string, ElementType>,
): ElementType {
  if (TRUTHS.has(operator)) return 'bool';
  if (operator === 'Cast') return NAMES.get((attributes.to as { int: number }).int)!;
  if (COUNTS.has(operator) || (PLACES.has(operator) && index === 1)) return 'int64';
  return types.get(inputs[operator === 'Where' ? 1 : 0]!)!;
}
