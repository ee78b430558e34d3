import { BackendError } from '@imglish/core';
import type { Attribute, Attributes, ConstantData, Graph, Node, Value } from '../graph/graph.js';
import { originOf } from '../graph/origin.js';
import { evaluate, interpolate, type Size, type SizeValues, subsets } from '../graph/size.js';

/** Traces of one function at every corner of two values for each free size. */
export interface Corners {
  readonly low: SizeValues;
  readonly high: SizeValues;
  /** The trace where the named sizes, sorted, have their high value, the others their low one; always the same graph. */
  at(corner: readonly string[]): Graph;
}

/**
 * One graph for all sizes: wherever the traces have different whole numbers (in a shape, an
 * attribute, a uniform constant), the polynomial of the free sizes that gives them.
 *
 * @throws BackendError `backend/not-general` where the traces differ in anything else, naming the
 * node and its line.
 */
export function generalise(corners: Corners): Graph {
  const symbols = Object.keys(corners.low).sort();
  const first = corners.at([]);
  // Cheap and sure: the graphs are the same but for numbers, whichever corner one looks at.
  const graphs = subsets(symbols).map((corner) => corners.at(corner));
  for (const graph of graphs) assertSameStructure(first, graph);

  const size = (read: (graph: Graph) => number, where: () => string): Size => {
    const value = read(first);
    if (graphs.every((graph) => read(graph) === value)) return value;
    const found = interpolate((corner) => read(corners.at(corner)), corners.low, corners.high);
    return (
      found ?? notGeneral(where(), `${graphs.map(read).join(', ')}: no sum of products of sizes`)
    );
  };

  const general = new Map<Value, Value>();
  const generalValue = (read: (graph: Graph) => Value, where: () => string): Value => {
    const value = read(first);
    const known = general.get(value);
    if (known) return known;
    const shape = value.shape.map((_, axis) =>
      size(
        (graph) => read(graph).shape[axis] as number,
        () => `axis ${axis} of ${where()}`,
      ),
    );
    const made: Value = { shape, dtype: value.dtype };
    general.set(value, made);
    return made;
  };

  const named = (kind: 'inputs' | 'parameters' | 'outputs') =>
    first[kind].map(({ name }, i) => ({
      name,
      value: generalValue(
        (graph) => graph[kind][i]!.value,
        () => `${kind} ${name}`,
      ),
    }));
  const inputs = named('inputs');
  const parameters = named('parameters');
  const constantsOf = new Map(graphs.map((graph) => [graph, [...graph.constants]]));
  const constants = new Map<Value, ConstantData>();
  [...first.constants].forEach((_, i) => {
    const read = (graph: Graph) => constantsOf.get(graph)![i]!;
    const where = () => `constant ${i} of ${first.name}`;
    const value = generalValue((graph) => read(graph)[0], where);
    constants.set(
      value,
      generalConstant(
        graphs.map((graph) => read(graph)[1]),
        (read2) =>
          interpolate((corner) => read2(read(corners.at(corner))[1]), corners.low, corners.high),
      ) ??
        notGeneral(
          `a constant used by ${userOf(first, read(first)[0])}`,
          'values that change with the sizes',
        ),
    );
  });
  const nodes = first.nodes.map((node, n): Node => {
    const where = () => `${node.kernel} ${originOf(node.origin)}`;
    const outputs = node.outputs.map((_, o) =>
      generalValue((graph) => graph.nodes[n]!.outputs[o]!, where),
    );
    const inputsOf = Object.fromEntries(
      Object.keys(node.inputs).map((name) => [
        name,
        generalValue((graph) => graph.nodes[n]!.inputs[name]!, where),
      ]),
    );
    const attributes = generalAttributes(node.attributes, (path) =>
      size((graph) => numberAt(graph.nodes[n]!.attributes, path), where),
    );
    return { ...node, inputs: inputsOf, attributes, outputs };
  });
  return { name: first.name, inputs, parameters, constants, nodes, outputs: named('outputs') };
}

/** Throws `backend/not-general` unless the general graph at these sizes is what was traced there. */
export function assertHolds(general: Graph, traced: Graph, sizes: SizeValues): void {
  assertSameStructure(general, traced);
  const same = (size: Size, number: Size, where: () => string) => {
    if (evaluate(size, sizes) !== number) {
      notGeneral(
        where(),
        `${number} at ${JSON.stringify(sizes)}, where ${evaluate(size, sizes)} was foreseen`,
      );
    }
  };
  const sameValue = (value: Value, other: Value, where: () => string) =>
    value.shape.forEach((size, axis) => {
      same(size, other.shape[axis]!, where);
    });
  const tracedConstants = [...traced.constants];
  [...general.constants].forEach(([value, constant], i) => {
    const [otherValue, other] = tracedConstants[i]!;
    const where = () => `a constant used by ${userOf(general, value)}`;
    sameValue(value, otherValue, where);
    if (!sameConstant(constant, other, sizes))
      notGeneral(where(), 'values that change with the sizes');
  });
  general.nodes.forEach((node, n) => {
    const other = traced.nodes[n]!;
    const where = () => `${node.kernel} ${originOf(node.origin)}`;
    node.outputs.forEach((value, o) => {
      sameValue(value, other.outputs[o]!, where);
    });
    generalAttributes(node.attributes, (path) => {
      same(sizeAt(node.attributes, path), numberAt(other.attributes, path), where);
      return 0;
    });
  });
}

function assertSameStructure(a: Graph, b: Graph): void {
  const numbering = (graph: Graph): Map<Value, number> => {
    const numbers = new Map<Value, number>();
    const add = (value: Value) => numbers.set(value, numbers.get(value) ?? numbers.size);
    for (const { value } of [...graph.inputs, ...graph.parameters]) add(value);
    for (const value of graph.constants.keys()) add(value);
    for (const { outputs } of graph.nodes) outputs.forEach(add);
    return numbers;
  };
  const [ours, theirs] = [numbering(a), numbering(b)];
  a.nodes.forEach((node, n) => {
    const other = b.nodes[n];
    const where = `${node.kernel} ${originOf(node.origin)}`;
    if (!other || other.kernel !== node.kernel) {
      notGeneral(where, `${other?.kernel ?? 'nothing'} in its place`);
    }
    const wires = (of: Node, numbers: Map<Value, number>) =>
      JSON.stringify([
        Object.entries(of.inputs).map(([name, value]) => [
          name,
          numbers.get(value),
          value.dtype,
          value.shape.length,
        ]),
        of.outputs.map((value) => [value.dtype, value.shape.length]),
        skeleton(of.attributes),
      ]);
    if (wires(node, ours) !== wires(other, theirs)) notGeneral(where, 'other inputs or attributes');
  });
  const ends = (graph: Graph, numbers: Map<Value, number>) =>
    JSON.stringify(graph.outputs.map(({ name, value }) => [name, numbers.get(value)]));
  if (
    a.nodes.length !== b.nodes.length ||
    a.constants.size !== b.constants.size ||
    ends(a, ours) !== ends(b, theirs)
  ) {
    notGeneral(b.name, 'more nodes, or other results');
  }
}

/** Attributes with every whole number (or polynomial) blanked. */
function skeleton(attribute: Attribute | Attributes): unknown {
  if (typeof attribute === 'number') return Number.isInteger(attribute) ? 0 : attribute;
  if (Array.isArray(attribute)) return attribute.map(skeleton);
  if (typeof attribute === 'object' && attribute !== null) {
    if ('terms' in attribute) return 0;
    return Object.fromEntries(
      Object.entries(attribute).map(([key, inner]) => [key, skeleton(inner as Attribute)]),
    );
  }
  return attribute;
}

type Path = readonly (string | number)[];

/** The attributes with every whole number replaced. */
function generalAttributes(attributes: Attributes, replace: (path: Path) => Size): Attributes {
  const walk = (attribute: Attribute, path: Path): Attribute => {
    if (typeof attribute === 'number')
      return Number.isInteger(attribute) ? replace(path) : attribute;
    if (Array.isArray(attribute)) return attribute.map((inner, i) => walk(inner, [...path, i]));
    if (typeof attribute === 'object' && attribute !== null && 'terms' in attribute)
      return replace(path);
    return attribute;
  };
  return Object.fromEntries(
    Object.entries(attributes).map(([key, attribute]) => [key, walk(attribute, [key])]),
  );
}

function sizeAt(attributes: Attributes, path: Path): Size {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<string, unknown>)[key],
    attributes,
  ) as Size;
}

function numberAt(attributes: Attributes, path: Path): number {
  return sizeAt(attributes, path) as number;
}

/** A constant of several traces as one: the same everywhere, or a uniform size or 1 / size. */
function generalConstant(
  constants: readonly ConstantData[],
  solve: (read: (constant: ConstantData) => number) => Size | undefined,
): ConstantData | undefined {
  const [first] = constants as [ConstantData];
  if (constants.every((constant) => sameConstant(first, constant, {}))) return first;
  if (!constants.every((constant) => 'uniform' in constant)) return undefined;
  const value = (constant: ConstantData) => (constant as { uniform: number }).uniform;
  const whole = solve(value);
  if (whole !== undefined) return { uniform: { size: whole, reciprocal: false } };
  const inverse = (constant: ConstantData) => {
    const n = Math.round(1 / value(constant));
    return Math.fround(1 / n) === Math.fround(value(constant)) ? n : Number.NaN;
  };
  const size = constants.every((constant) => !Number.isNaN(inverse(constant)))
    ? solve(inverse)
    : undefined;
  return size === undefined ? undefined : { uniform: { size, reciprocal: true } };
}

function sameConstant(a: ConstantData, b: ConstantData, sizes: SizeValues): boolean {
  if ('uniform' in a !== 'uniform' in b) return false;
  if ('uniform' in a && 'uniform' in b)
    return Object.is(uniformAt(a.uniform, sizes), uniformAt(b.uniform, sizes));
  if (!('data' in a && 'data' in b) || a.data.length !== b.data.length) return false;
  const other = b.data;
  return a.data.every((value, i) => Object.is(value, other[i]));
}

function uniformAt(
  uniform: number | { size: Size; reciprocal: boolean },
  sizes: SizeValues,
): number {
  if (typeof uniform === 'number') return uniform;
  const size = evaluate(uniform.size, sizes);
  return uniform.reciprocal ? Math.fround(1 / size) : size;
}

function userOf(graph: Graph, value: Value): string {
  const user = graph.nodes.find((node) => Object.values(node.inputs).includes(value));
  return user ? `${user.kernel} ${originOf(user.origin)}` : graph.name;
}

function notGeneral(where: string, difference: string): never {
  throw new BackendError({
    code: 'backend/not-general',
    where: 'compile',
    expected: `a function that does the same at every size, at ${where}`,
    got: difference,
    fix: 'Compute what depends on the size from tensors, give it as an input, or leave the size out of freeSizes.',
  });
}
