import type { Attributes, ConstantData, Graph, Node, Value } from '../graph/graph.js';

import { prune } from './prune.js';
import { rules } from './rules.js';

/** What a rule may ask about the graph so far, and how it makes constants. */
export interface RuleContext {
  /** The node that makes a value; inputs and constants have none. */
  maker(value: Value): Node | undefined;
  /** The number that stands everywhere in a constant. */
  uniform(value: Value): number | undefined;
  constant(value: Value, data: ConstantData): Value;
}

/** A node as something simpler: values that take the place of its outputs, or another node. */
export type Rule = (node: Node, context: RuleContext) => readonly Value[] | Node | undefined;

/**
 * The same function with fewer nodes: what does nothing is left out, constants are computed, common
 * subexpressions are shared, and what no output needs is dropped. Every rule keeps the values
 * bit by bit, but for the sign of a zero.
 */
export function optimise(graph: Graph): Graph {
  let current = prune(graph);
  for (;;) {
    const next = prune(rewritten(current));
    if (next.nodes.length === current.nodes.length) return next;
    current = next;
  }
}

function rewritten(graph: Graph): Graph {
  const replacements = new Map<Value, Value>();
  const makers = new Map<Value, Node>();
  const constants = new Map<Value, ConstantData>();
  const nodes: Node[] = [];
  const seen = new Map<string, readonly Value[]>();
  const numbers = new Map<Value, number>();
  const numberOf = (value: Value): number => {
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return number;
  };
  const now = (value: Value): Value => replacements.get(value) ?? value;

  const constantsByKey = new Map<string, Value>();
  const addConstant = (value: Value, data: ConstantData): Value => {
    const key = constantKey(value, data);
    const same = constantsByKey.get(key);
    if (same) return same;
    constantsByKey.set(key, value);
    constants.set(value, data);
    return value;
  };
  for (const [value, data] of graph.constants) {
    const kept = addConstant(value, data);
    if (kept !== value) replacements.set(value, kept);
  }

  const context: RuleContext = {
    maker: (value) => makers.get(value),
    uniform: (value) => {
      const data = constants.get(value);
      return data && 'uniform' in data && typeof data.uniform === 'number'
        ? data.uniform
        : undefined;
    },
    constant: addConstant,
  };

  for (const original of graph.nodes) {
    let node: Node = { ...original, inputs: mapped(original.inputs, now) };
    let values: readonly Value[] | undefined;
    for (const rule of rules) {
      const simpler = rule(node, context);
      if (!simpler) continue;
      if ('kernel' in simpler) node = simpler;
      else {
        values = simpler;
        break;
      }
    }
    if (!values) {
      const key = nodeKey(node, numberOf);
      values = seen.get(key);
      if (!values) {
        values = node.outputs;
        seen.set(key, values);
        nodes.push(node);
        for (const output of node.outputs) makers.set(output, node);
      }
    }
    original.outputs.forEach((output, i) => {
      if (values![i] !== output) replacements.set(output, values![i]!);
    });
  }
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: now(value) }));
  return { ...graph, constants, nodes, outputs };
}

function mapped(
  values: Readonly<Record<string, Value>>,
  map: (value: Value) => Value,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}

function nodeKey(
  {
    kernel,
    inputs,
    attributes,
    outputs,
  }: { kernel: string; inputs: Node['inputs']; attributes: Attributes; outputs: readonly Value[] },
  numberOf: (value: Value) => number,
): string {
  return JSON.stringify([
    kernel,
    Object.entries(inputs).map(([name, value]) => [name, numberOf(value)]),
    attributes,
    outputs.map(({ shape, dtype }) => [shape, dtype]),
  ]);
}

function constantKey({ shape, dtype }: Value, data: ConstantData): string {
  if ('data' in data) return JSON.stringify([dtype, shape, Array.from(data.data, String)]);
  // JSON has no NaN and no −0.
  const uniform = typeof data.uniform === 'number' ? showNumber(data.uniform) : data.uniform;
  return JSON.stringify([dtype, shape, 'uniform', uniform]);
}

function showNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
