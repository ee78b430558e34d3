import type { OnnxAttribute } from '../lower/builder.js';
import { ELEMENT_TYPES, type ProtoNode } from '../lower/proto.js';
import { type ExportGraph, withoutUnused } from './export-graph.js';
import { type QuantizedWeight, quantized, type Weight } from './weight.js';

/**
 * Magnitudes of a linear layer's weights: 7 bits. Processors without VNNI add two products of a uint8
 * and an int8 in 16 bits, where 2 · 255 · 127 does not fit and is cut off; 2 · 255 · 64 does.
 */
const LINEAR_LEVELS = 64;
/** Of tables, of which rows are only looked up. */
const TABLE_LEVELS = 127;

/**
 * Dynamic quantisation. A linear layer y = x Wᵀ + b becomes s · (q(x) q(W)ᵀ) + b in whole numbers: W
 * int8, symmetric, with a scale for each of its outputs; x uint8, with a scale and zero point found at
 * run time. Tables that are looked up (word embeddings) become int8 with a scale for each row. All
 * else stays float32.
 *
 * In operators of the standard, in the order that ONNX Runtime fuses to DynamicQuantizeMatMul and
 * MatMulIntegerToFloat.
 */
export function toInt8(graph: ExportGraph): ExportGraph {
  return new Quantization(graph).graph();
}

class Quantization {
  private readonly nodes: ProtoNode[] = [];
  private readonly weights: Map<string, Weight>;
  /** What x was quantised to: uint8 values, scale, zero point. */
  private readonly activations = new Map<string, readonly [string, string, string]>();

  constructor(private readonly given: ExportGraph) {
    this.weights = new Map(given.weights.map((weight) => [weight.name, weight]));
  }

  graph(): ExportGraph {
    for (const node of this.given.nodes) {
      if (!this.linear(node) && !this.lookUp(node)) this.nodes.push(node);
    }
    return withoutUnused({
      ...this.given,
      nodes: this.nodes,
      weights: [...this.weights.values()],
    });
  }

  private linear(node: ProtoNode): boolean {
    const [x, name, bias] = node.inputs as [string, string, string | undefined];
    const matrix = this.matrix(name);
    const turned = isTurned(node);
    if (!matrix || turned === undefined) return false;
    const { values, scales } = this.add(
      quantized(turned ? `${name}:transposed` : name, matrix, {
        axis: turned ? 0 : 1,
        levels: LINEAR_LEVELS,
        transposed: turned,
      }),
    );
    const [xValues, xScale, zeroPoint] = this.activation(x);
    const at = (step: string) => `${node.name}/${step}`;
    const [output] = node.outputs as [string];
    this.emit(at('MatMulInteger'), 'MatMulInteger', [xValues, values.name, zeroPoint]);
    this.emit(at('Cast'), 'Cast', [at('MatMulInteger')], TO_FLOAT32);
    this.emit(at('Scale'), 'Mul', [xScale, scales.name]);
    const scaled = bias ? at('Mul') : output;
    this.emit(scaled, 'Mul', [at('Cast'), at('Scale')]);
    if (bias) this.emit(output, 'Add', [scaled, bias]);
    return true;
  }

  private lookUp({ name: node, operator, inputs, outputs, attributes }: ProtoNode): boolean {
    const [name, rows] = inputs as [string, string];
    const table = this.matrix(name);
    if (!table || operator !== 'Gather' || !isInt(attributes.axis, 0)) return false;
    const { values, scales } = this.add(
      quantized(`${name}:table`, table, { axis: 0, levels: TABLE_LEVELS }),
    );
    const column = { ...scales, shape: [...scales.shape, 1] };
    this.weights.set(column.name, column);
    this.emit(`${node}/Row`, 'Gather', [values.name, rows], attributes);
    this.emit(`${node}/Cast`, 'Cast', [`${node}/Row`], TO_FLOAT32);
    this.emit(`${node}/Scale`, 'Gather', [scales.name, rows], attributes);
    this.emit(outputs[0]!, 'Mul', [`${node}/Cast`, `${node}/Scale`]);
    return true;
  }

  /** The weight of that name, if it is one and a matrix. */
  private matrix(name: string): Weight | undefined {
    const weight = this.given.weights.find((each) => each.name === name);
    return weight?.shape.length === 2 ? weight : undefined;
  }

  private activation(x: string): readonly [string, string, string] {
    const before = this.activations.get(x);
    if (before) return before;
    const outputs = [`${x}:uint8`, `${x}:scale`, `${x}:zero`] as const;
    this.nodes.push({
      name: `${x}/DynamicQuantizeLinear`,
      operator: 'DynamicQuantizeLinear',
      domain: '',
      inputs: [x],
      outputs: [...outputs],
      attributes: {},
    });
    this.activations.set(x, outputs);
    return outputs;
  }

  /** Layers that share a matrix share what it becomes. */
  private add(weight: QuantizedWeight): QuantizedWeight {
    for (const each of [weight.values, weight.scales]) this.weights.set(each.name, each);
    return weight;
  }

  private emit(
    output: string,
    operator: string,
    inputs: readonly string[],
    attributes: ProtoNode['attributes'] = {},
  ): void {
    this.nodes.push({ name: output, operator, domain: '', inputs, outputs: [output], attributes });
  }
}

const TO_FLOAT32 = { to: { int: ELEMENT_TYPES.float32 } };

/** Whether a product is x Wᵀ (true) or x W (false); undefined for anything else. */
function isTurned({ operator, attributes }: ProtoNode): boolean | undefined {
  const { transB, transA, ...others } = attributes;
  if (operator === 'MatMul') return false;
  if (operator !== 'Gemm' || Object.keys(others).length > 0) return undefined;
  if (transA && !isInt(transA, 0)) return undefined;
  return isInt(transB, 1);
}

function isInt(attribute: OnnxAttribute | undefined, value: number): boolean {
  return attribute !== undefined && 'int' in attribute && attribute.int === value;
}
