import type { ProtoNode } from './proto.js';

/** Operators whose outputs after the first may be left out. */
const OPTIONAL_OUTPUTS = new Set(['LayerNormalization']);

/** The nodes that `outputs` depend on, in order; outputs that nobody reads are left out where ONNX allows it. */
export function prune(
  nodes: readonly ProtoNode[],
  outputs: readonly string[],
): { nodes: ProtoNode[]; used: ReadonlySet<string> } {
  const used = new Set(outputs);
  const kept: ProtoNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => used.has(name))) continue;
    for (const name of node.inputs) used.add(name);
    const last = node.outputs.findLastIndex((name) => used.has(name));
    const trimmed = OPTIONAL_OUTPUTS.has(node.operator);
    kept.push(trimmed ? { ...node, outputs: node.outputs.slice(0, last + 1) } : node);
  }
  return { nodes: kept.reverse(), used };
}
