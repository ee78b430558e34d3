import type { ProtoNode } from '../lower/proto.js';
import { type ExportGraph, withoutUnused } from './export-graph.js';
import { int8Weight, scalesWeight, type Weight } from './weight.js';

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
  private readonly tables: ReadonlyMap<string, Weight>;
  /** What x was quantised to: uint8 values, scale, zero point. */
  private readonly activations = new Map<string, readonly [string, string, string]>();

  constructor(private readonly given: ExportGraph) {
    this.tables = new Map(given.weights.map((weight) => [weight.name, weight]));
    this.weights = new Map(this.tables);
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
    const matrix = this.tables.get(name);
    const isLinear = node.operator === 'Gemm' && sole(node.attributes, 'transB');
    if (!isLinear || matrix?.shape.length !== 2) return false;
    const levels = LINEAR_LEVELS;
    const scale = `${name}:scale`;
    this.add(int8Weight(`${name}:int8`, matrix, { levels, transposed: true }));
    this.add(scalesWeight(scale, matrix, levels, [matrix.shape[0]!]));
    const [quantized, xScale, zeroPoint] = this.quantized(x);
    const at = (step: string) => `${node.name}/${step}`;
    const [output] = node.outputs as [string];
    this.emit(at('MatMulInteger'), 'MatMulInteger', [quantized, `${name}:int8`, zeroPoint]);
    this.emit(at('Cast'), 'Cast', [at('MatMulInteger')], { to: { int: 1 } });
    this.emit(at('Scale'), 'Mul', [xScale, scale]);
    const scaled = bias ? at('Mul') : output;
    this.emit(scaled, 'Mul', [at('Cast'), at('Scale')]);
    if (bias) this.emit(output, 'Add', [scaled, bias]);
    return true;
  }

  private lookUp(node: ProtoNode): boolean {
    const [name, rows] = node.inputs as [string, string];
    const table = this.tables.get(name);
    const axis = node.attributes.axis;
    const isLookUp = node.operator === 'Gather' && axis && 'int' in axis && axis.int === 0;
    if (!isLookUp || table?.shape.length !== 2) return false;
    const [quantized, scales] = [`${name}:table`, `${name}:table-scale`];
    this.add(int8Weight(quantized, table, { levels: TABLE_LEVELS, transposed: false }));
    this.add(scalesWeight(scales, table, TABLE_LEVELS, [table.shape[0]!, 1]));
    const at = (step: string) => `${node.name}/${step}`;
    this.emit(at('Row'), 'Gather', [quantized, rows], node.attributes);
    this.emit(at('Cast'), 'Cast', [at('Row')], { to: { int: 1 } });
    this.emit(at('Scale'), 'Gather', [scales, rows], node.attributes);
    this.emit(node.outputs[0]!, 'Mul', [at('Cast'), at('Scale')]);
    return true;
  }

  private quantized(x: string): readonly [string, string, string] {
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

  /** Once, however many layers share it. */
  private add(weight: Weight): void {
    this.weights.set(weight.name, weight);
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

/** Whether the attribute is 1 and the only one. */
function sole(attributes: ProtoNode['attributes'], name: string): boolean {
  const value = attributes[name];
  return (
    value !== undefined && 'int' in value && value.int === 1 && Object.keys(attributes).length === 1
  );
}
