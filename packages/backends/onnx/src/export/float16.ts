import {
  ELEMENT_TYPES,
  type ElementType,
  type ProtoInitializer,
  type ProtoNode,
} from '../lower/proto.js';
import { elementTypes } from './element-types.js';
import { type ExportGraph, withoutUnused } from './export-graph.js';
import { MAX_FLOAT16, MIN_FLOAT16, toFloat16 } from './half.js';
import { float16Weight, type Weight } from './weight.js';

/** Sums, and functions that magnify a relative error or leave the range. */
const IN_FLOAT32 = new Set([
  ...['Softmax', 'LogSoftmax', 'ReduceLogSumExp', 'ReduceMean', 'ReduceSum', 'ReduceProd'],
  ...['CumSum', 'Exp', 'Log', 'Pow', 'Sqrt', 'Reciprocal', 'Div', 'Range', 'ScatterElements'],
]);
/** Those of them whose results may leave the range of float16 although their inputs were in it. */
const WIDENING = new Set([
  ...['ReduceSum', 'ReduceProd', 'CumSum', 'ScatterElements'],
  ...['Exp', 'Pow', 'Reciprocal', 'Div'],
]);
/** What gives ordinary numbers again, or is most of the work. */
const NARROWING = new Set([
  ...['Softmax', 'Sigmoid', 'HardSigmoid', 'Tanh', 'Erf', 'LayerNormalization'],
  ...['MatMul', 'Gemm', 'Conv', 'ConvTranspose', 'Einsum'],
]);

/**
 * Weights and activations as float16; inputs and outputs stay float32.
 *
 * Some nodes stay float32 with casts around them: sums and softmax, which would lose digits, and what may
 * leave float16's range, from the constant that leads out of it on. The −1e8 that hides a key is so
 * added in float32, where 0 · −1e8 is 0 and not NaN. LayerNormalization has float32 statistics by
 * definition.
 */
export function toFloat16Graph(graph: ExportGraph): ExportGraph {
  return new Conversion(graph).graph();
}

class Conversion {
  private readonly nodes: ProtoNode[] = [];
  private readonly initializers: ProtoInitializer[];
  private readonly weights: Weight[];
  /** Float32 in the given graph. */
  private readonly floats: ReadonlySet<string>;
  /** What each float is now. */
  private readonly types = new Map<string, ElementType>();
  /** Floats by the type that somebody wanted them in. */
  private readonly converted = new Map<string, string>();
  private readonly constants: ReadonlyMap<string, ProtoInitializer>;
  private readonly weightsByName: ReadonlyMap<string, Weight>;
  private readonly wide = new Set<string>();

  constructor(private readonly given: ExportGraph) {
    const types = elementTypes(given);
    this.floats = new Set([...types.keys()].filter((name) => types.get(name) === 'float32'));
    this.initializers = [...given.initializers];
    this.weights = [...given.weights];
    this.constants = new Map(given.initializers.map((each) => [each.name, each]));
    this.weightsByName = new Map(given.weights.map((each) => [each.name, each]));
    for (const { name } of [...given.inputs, ...given.initializers, ...given.weights]) {
      if (this.floats.has(name)) this.types.set(name, 'float32');
    }
  }

  graph(): ExportGraph {
    const outputs = new Set(this.given.outputs.map(({ name }) => name));
    for (const node of this.given.nodes) this.node(node, outputs);
    return withoutUnused({
      ...this.given,
      nodes: this.nodes,
      initializers: this.initializers,
      weights: this.weights,
      values: this.given.values.map((value) => ({
        ...value,
        type: this.types.get(value.name) ?? value.type,
      })),
    });
  }

  private node(node: ProtoNode, outputs: ReadonlySet<string>): void {
    const type = this.staysFloat32(node) ? 'float32' : 'float16';
    const made = node.outputs.map((name, i) => {
      if (!this.floats.has(name)) return name;
      // Mean and deviation are float32 whatever x is.
      const own = node.operator === 'LayerNormalization' && i > 0 ? 'float32' : type;
      const before = own === 'float16' && outputs.has(name) ? `${name}:float16` : name;
      this.types.set(before, own);
      return before;
    });
    const casts = node.operator === 'Cast' && this.floats.has(node.outputs[0]!);
    this.nodes.push({
      ...node,
      inputs: node.inputs.map((name) => (this.floats.has(name) ? this.as(name, type) : name)),
      outputs: made,
      ...(casts && { attributes: { to: { int: ELEMENT_TYPES[type] } } }),
    });
    node.outputs.forEach((name, i) => {
      if (made[i] !== name) this.cast(made[i]!, name, 'float32');
    });
  }

  /** Decides about a node, and notes whether what it gives may be out of range. */
  private staysFloat32({ operator, inputs, outputs }: ProtoNode): boolean {
    const square = operator === 'Mul' && inputs[0] === inputs[1];
    const outOfRange = inputs.some((name) => this.floats.has(name) && this.isWide(name));
    if (NARROWING.has(operator)) return IN_FLOAT32.has(operator);
    if (outOfRange || square || WIDENING.has(operator)) {
      for (const name of outputs) this.wide.add(name);
      return true;
    }
    return IN_FLOAT32.has(operator);
  }

  /** Whether a value is not to be cast to float16, or a constant cannot be. */
  private isWide(name: string): boolean {
    if (this.wide.has(name)) return true;
    const constant = this.constants.get(name);
    return constant !== undefined && floatsOf(constant).some(isBeyondFloat16);
  }

  /** The value in the type, converted once. */
  private as(name: string, type: ElementType): string {
    if (this.types.get(name) === type) return name;
    const known = this.converted.get(`${name} ${type}`);
    if (known !== undefined) return known;
    const made = `${name}:as-${type}`;
    this.converted.set(`${name} ${type}`, made);
    const weight = this.weightsByName.get(name);
    const constant = this.constants.get(name);
    if (weight) this.weights.push(float16Weight(made, weight));
    else if (constant) this.initializers.push(float16Constant(made, constant));
    else this.cast(name, made, type);
    return made;
  }

  private cast(from: string, to: string, type: ElementType): void {
    this.types.set(to, type);
    this.nodes.push({
      name: `${to}/Cast`,
      operator: 'Cast',
      domain: '',
      inputs: [from],
      outputs: [to],
      attributes: { to: { int: ELEMENT_TYPES[type] } },
    });
  }
}

function isBeyondFloat16(value: number): boolean {
  const magnitude = Math.abs(value);
  return magnitude > MAX_FLOAT16 || (magnitude > 0 && magnitude < MIN_FLOAT16);
}

function floatsOf({ values }: ProtoInitializer): Float32Array {
  return values instanceof Uint8Array
    ? new Float32Array(values.slice().buffer)
    : new Float32Array();
}

function float16Constant(name: string, constant: ProtoInitializer): ProtoInitializer {
  const values = new Uint8Array(toFloat16(floatsOf(constant)).buffer);
  return { name, type: 'float16', shape: constant.shape, values };
}
