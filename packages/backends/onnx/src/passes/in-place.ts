import { BackendError, type CompileOptions } from '@imglish/core';
import type { Graph, Node, Value } from '../graph/graph.js';
import { sameShape } from '../graph/size.js';
import { VIEWS } from './views.js';

/** These read a value of each input before they write that place of their output, and not after. */
const ELEMENTWISE: ReadonlySet<string> = new Set([
  'Add',
  'Sub',
  'Multiply',
  'RealDiv',
  'Maximum',
  'Minimum',
]);

/**
 * Refuses an output that is written over an input before the input was read for the last time: every
 * node that reads the input must come before the output's own in the order of the data, or be that
 * node itself, if it works element by element. A node of several outputs comes before with all of
 * them: lowered, it is several nodes, and the one that reads may be the one of another output.
 *
 * @throws BackendError `backend/in-place`.
 */
export function assertInPlace(graph: Graph, inPlace: NonNullable<CompileOptions['inPlace']>): void {
  const readers = new Map<Value, Node[]>();
  const makers = new Map<Value, Node>();
  for (const node of graph.nodes) {
    for (const value of Object.values(node.inputs)) {
      readers.set(value, [...(readers.get(value) ?? []), node]);
    }
    for (const output of node.outputs) makers.set(output, node);
  }
  const used = new Set([...readers.keys(), ...graph.outputs.map(({ value }) => value)]);
  const found = (kind: string, values: Graph['inputs'], name: string): Value => {
    const value = values.find((named) => named.name === name)?.value;
    return value ?? refuse(`${kind} of the name ${name}`, 'none');
  };
  for (const [outputName, inputNames] of Object.entries(inPlace)) {
    const output = found('an output', graph.outputs, outputName);
    const [whole, ...parts] = [inputNames].flat() as [string, ...string[]];
    const inputs = [whole, ...parts].map((name) => {
      return { name, value: found('an input', [...graph.inputs, ...graph.parameters], name) };
    });
    const float = [output, ...inputs.map(({ value }) => value)].every(
      ({ dtype }) => dtype === 'float32',
    );
    if (!float || !sameShape(output.shape, inputs[0]!.value.shape)) {
      refuse(`${outputName} and ${whole} to be float32 of one shape`, 'others');
    }
    const maker = makers.get(output);
    if (!maker) continue; // it is an input, handed on
    const before = ancestors(maker, makers);
    const isBefore = (reader: Node): boolean =>
      reader.outputs.every((value) => before.has(value) || !used.has(value));
    for (const { name, value: input } of inputs) {
      const pending = [input];
      for (let value = pending.pop(); value; value = pending.pop()) {
        for (const reader of readers.get(value) ?? []) {
          const isLast = name === whole && reader === maker && readsWhatItWrites(reader, value);
          if (!isLast && (reader === maker || !isBefore(reader))) {
            refuse(
              `${outputName} to be computed after ${name} was read`,
              `${reader.kernel}, which may read it later`,
            );
          }
          if (VIEWS.has(reader.kernel)) pending.push(...reader.outputs);
        }
      }
    }
  }
}

/** Whether the node reads the value only at the place that it writes. */
function readsWhatItWrites(node: Node, value: Value): boolean {
  return ELEMENTWISE.has(node.kernel) && sameShape(value.shape, node.outputs[0]!.shape);
}

/** All values that the node's outputs are computed from. */
function ancestors(node: Node, makers: ReadonlyMap<Value, Node>): Set<Value> {
  const found = new Set<Value>();
  const pending = [node];
  for (let next = pending.pop(); next; next = pending.pop()) {
    for (const value of Object.values(next.inputs)) {
      if (found.has(value)) continue;
      found.add(value);
      const maker = makers.get(value);
      if (maker) pending.push(maker);
    }
  }
  return found;
}

function refuse(expected: string, got: string): never {
  throw new BackendError({
    code: 'backend/in-place',
    where: 'compile',
    expected,
    got,
    fix: 'Write that output elsewhere, or compute it from the input last.',
  });
}
