import type { Attribute, ConstantData, Graph, Node, Value } from './graph.js';
import { type Size, showSize } from './size.js';

/**
 * The graph as text, a line for each node:
 *
 *     encode(x float32 [batch, 8])
 *       %1 float32 [batch, 4] = ImglishLinear(x: x, weight: w)
 *     → y = %1
 */
export function showGraph(graph: Graph): string {
  const label = labels(graph);
  const described = (value: Value) => `${label(value)} ${describe(value)}`;
  const lines = [
    `${graph.name}(${graph.inputs.map(({ value }) => described(value)).join(', ')})`,
    ...graph.parameters.map(({ value }) => `  parameter ${described(value)}`),
    ...[...graph.constants].map(
      ([value, data]) => `  constant ${described(value)} = ${showConstant(data)}`,
    ),
    ...graph.nodes.map((node) => `  ${showNode(node, label, described)}`),
    ...graph.outputs.map(({ name, value }) => `→ ${name} = ${label(value)}`),
  ];
  return lines.join('\n');
}

/** A name for every value: that of an input or parameter, `c1` for constants, `%1` for the rest. */
export function labels({ inputs, parameters, constants }: Graph): (value: Value) => string {
  const names = new Map<Value, string>();
  for (const { name, value } of [...inputs, ...parameters]) names.set(value, name);
  let count = 0;
  for (const value of constants.keys()) {
    count += 1;
    names.set(value, `c${count}`);
  }
  let others = 0;
  return (value) => {
    const known = names.get(value);
    if (known) return known;
    others += 1;
    const name = `%${others}`;
    names.set(value, name);
    return name;
  };
}

/** Type and shape: `float32 [batch, 4]`. */
export function describe({ dtype, shape }: Value): string {
  return `${dtype} [${shape.map(showSize).join(', ')}]`;
}

function showNode(
  { kernel, inputs, attributes, outputs }: Node,
  label: (value: Value) => string,
  described: (value: Value) => string,
): string {
  const given = Object.entries(inputs).map(([name, value]) => `${name}: ${label(value)}`);
  const set = Object.entries(attributes).map(([name, value]) => `${name} ${showAttribute(value)}`);
  const options = set.length > 0 ? ` {${set.join(', ')}}` : '';
  return `${outputs.map(described).join(', ')} = ${kernel}(${given.join(', ')})${options}`;
}

function showConstant(data: ConstantData): string {
  if ('data' in data) return `${data.data.length} values`;
  const { uniform } = data;
  if (typeof uniform === 'number') return String(uniform);
  return uniform.reciprocal ? `1 / (${showSize(uniform.size)})` : showSize(uniform.size);
}

export function showAttribute(attribute: Attribute): string {
  if (Array.isArray(attribute)) return `[${attribute.map(showAttribute).join(', ')}]`;
  if (typeof attribute === 'object' && attribute !== null) return showSize(attribute as Size);
  return String(attribute);
}
