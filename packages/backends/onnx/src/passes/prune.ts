import type { Graph, Node, Value } from '../graph/graph.js';

/** Without nodes and constants that no output needs, and without unused outputs at a node's end. */
export function prune(graph: Graph): Graph {
  const used = new Set<Value>(graph.outputs.map(({ value }) => value));
  const nodes: Node[] = [];
  for (let n = graph.nodes.length - 1; n >= 0; n--) {
    const node = graph.nodes[n]!;
    const last = node.outputs.findLastIndex((output) => used.has(output));
    if (last < 0) continue;
    for (const value of Object.values(node.inputs)) used.add(value);
    const whole = last === node.outputs.length - 1;
    nodes.push(whole ? node : { ...node, outputs: node.outputs.slice(0, last + 1) });
  }
  nodes.reverse();
  const constants = new Map([...graph.constants].filter(([value]) => used.has(value)));
  return { ...graph, nodes, constants };
}
