import { BackendError, type HostDType, type ParameterPlace } from '@imglish/core';
import type { ConstantData, Graph, NamedValue, UniformSize, Value } from '../graph/graph.js';
import type { Size } from '../graph/size.js';
import { kernels } from '../kernels/index.js';
import type { EmitOptions, OnnxBuilder } from './builder.js';
import { Emitter } from './emitter.js';
import { externalNames } from './external-files.js';
import type { ModelOutput, ModelTensor, OnnxModel } from './onnx-model.js';
import { ELEMENT_TYPES, type ProtoGraph, type ProtoValue, writeModel } from './proto.js';
import { prune } from './prune.js';

/** A model that is not serialised yet. */
export interface LoweredGraph extends Omit<OnnxModel, 'bytes'> {
  readonly proto: ProtoGraph;
}

/** `lowerToProto`, serialised. */
export function lower(graph: Graph, places: Readonly<Record<string, ParameterPlace>>): OnnxModel {
  const { proto, ...model } = lowerToProto(graph, places);
  return { bytes: writeModel(proto), ...model };
}

/**
 * A graph as an ONNX model, each node by its kernel's `lower`.
 *
 * Parameters in files become initializers that point into them; those in regions become inputs,
 * after the function's own. Nodes that no output depends on are left out.
 *
 * @throws BackendError `backend/not-traceable` for a kernel that is not known,
 * `backend/parameter-place` for a parameter without a place or with one of another shape,
 * `backend/not-general` for a free size that no input has.
 */
export function lowerToProto(
  graph: Graph,
  places: Readonly<Record<string, ParameterPlace>>,
): LoweredGraph {
  const inRegions = graph.parameters.filter(({ name, value }) => {
    checkPlace(name, value, places[name]);
    return 'region' in places[name]!.place;
  });
  const inputs = [...graph.inputs, ...inRegions].map(describe);
  const lowering = new Lowering(graph, inputs);
  const externalFiles = lowering.parameters(places);
  for (const node of graph.nodes) lowering.node(node);
  const outputs = lowering.outputs();
  return {
    proto: lowering.finish(inputs, outputs),
    externalFiles,
    inputs,
    outputs,
  };
}

function checkPlace(name: string, { shape }: Value, place: ParameterPlace | undefined): void {
  if (place && place.shape.join() === shape.join()) return;
  throw new BackendError({
    code: 'backend/parameter-place',
    where: 'lower',
    expected: `a place for the parameter ${name} [${shape}]`,
    got: place ? `one of [${place.shape}]` : 'none',
  });
}

function describe({ name, value }: NamedValue): ModelTensor {
  return { name, shape: value.shape, dtype: value.dtype };
}

class Lowering implements OnnxBuilder {
  private readonly emitter: Emitter;
  private readonly names = new Map<Value, string>();
  private readonly casts = new Map<string, string>();
  /** What the function's outputs are called, in order. */
  private readonly outputNames: readonly string[];
  /** Names that outputs of the function take the place of. */
  private readonly renamed = new Map<string, string>();

  constructor(
    private readonly graph: Graph,
    inputs: readonly ModelTensor[],
  ) {
    this.emitter = new Emitter(inputs.map(protoValue));
    for (const { name, value } of [...graph.inputs, ...graph.parameters]) {
      this.names.set(value, this.emitter.unique(name));
    }
    this.outputNames = graph.outputs.map(({ name }) =>
      this.emitter.unique(this.emitter.has(name) ? `${name}:out` : name),
    );
  }

  /** Initializers for the parameters in files; what the model calls those files → where they are. */
  parameters(places: Readonly<Record<string, ParameterPlace>>): Record<string, string> {
    const inFiles = this.graph.parameters.flatMap(({ name, value }) => {
      const { place } = places[name]!;
      return 'file' in place ? [{ name, value, place }] : [];
    });
    const locations = externalNames(inFiles.map(({ place }) => place.file));
    for (const { name, value, place } of inFiles) {
      const { stored, offset, bytes } = place;
      this.emitter.scope = name;
      this.emitter.initializer({
        name,
        type: stored,
        shape: value.shape as number[],
        values: { location: locations.get(place.file)!, offset, bytes },
      });
      if (stored !== 'float32') this.names.set(value, this.cast(name, 'float32'));
    }
    return Object.fromEntries([...locations].map(([file, location]) => [location, file]));
  }

  node(node: Graph['nodes'][number]): void {
    const kernel = kernels.get(node.kernel);
    if (!kernel) {
      throw new BackendError({
        code: 'backend/not-traceable',
        where: 'lower',
        expected: 'kernels that ONNX can say',
        got: node.kernel,
      });
    }
    this.emitter.scope = this.emitter.unique(node.kernel);
    const outputs = kernel.lower(node, this);
    node.outputs.forEach((value, i) => {
      this.names.set(value, outputs[i]!);
    });
  }

  /** Gives every output of the function a name of its own. */
  outputs(): ModelOutput[] {
    const produced = new Set(this.emitter.nodes.flatMap((node) => node.outputs));
    return this.graph.outputs.map(({ name: as, value }, i) => {
      const name = this.outputNames[i]!;
      this.emitter.scope = name;
      let from = this.name(value);
      if (!produced.has(from) || this.renamed.has(from)) from = this.emit('Identity', [from]);
      this.renamed.set(from, name);
      return { name, as, shape: value.shape, dtype: value.dtype };
    });
  }

  finish(inputs: readonly ModelTensor[], outputs: readonly ModelTensor[]): ProtoGraph {
    const { nodes, used } = prune(this.emitter.nodes, [...this.renamed.keys()]);
    const rename = (name: string) => this.renamed.get(name) ?? name;
    const produced = new Set(nodes.flatMap((node) => node.outputs));
    const values = this.graph.nodes.flatMap((node) =>
      node.outputs.flatMap((value) => {
        const name = this.names.get(value)!;
        const known = produced.delete(name) && !this.renamed.has(name);
        return known ? [protoValue({ name, shape: value.shape, dtype: value.dtype })] : [];
      }),
    );
    return {
      name: this.graph.name,
      nodes: nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(rename),
        outputs: node.outputs.map(rename),
      })),
      initializers: this.emitter.initializers.filter(({ name }) => used.has(name)),
      inputs: inputs.map(protoValue),
      outputs: outputs.map(protoValue),
      values,
    };
  }

  name(value: Value): string {
    const known = this.names.get(value);
    if (known !== undefined) return known;
    const data = this.graph.constants.get(value);
    if (!data) {
      throw new BackendError({
        code: 'backend/not-traceable',
        where: 'lower',
        expected: 'values of this graph',
        got: `one of another, [${value.shape}] ${value.dtype}`,
      });
    }
    const name = this.constantOf(value, data);
    this.names.set(value, name);
    return name;
  }

  private constantOf(value: Value, data: ConstantData): string {
    if ('data' in data) return this.constant(data.data, value.dtype, value.shape as number[]);
    const scalar = this.uniformScalar(value)!;
    return value.shape.length === 0
      ? scalar
      : this.emit('Expand', [scalar, this.sizes(value.shape)]);
  }

  emit(operator: string, inputs: readonly string[], options?: EmitOptions): string {
    return this.emitter.emit(operator, inputs, options)[0]!;
  }

  emitAll(operator: string, inputs: readonly string[], options: EmitOptions): string[] {
    return this.emitter.emit(operator, inputs, options);
  }

  sizes(sizes: readonly Size[]): string {
    return this.emitter.sizes(sizes);
  }

  scalar(value: number, dtype: HostDType): string {
    return this.constant(TYPED[dtype].of(value), dtype, []);
  }

  constant(
    data: Float32Array | Int32Array | Uint8Array,
    dtype: HostDType,
    shape: readonly number[],
  ): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return this.emitter.constant(bytes, dtype, shape);
  }

  cast(name: string, dtype: HostDType): string {
    const key = `${name} ${dtype}`;
    const before = this.casts.get(key);
    if (before !== undefined) return before;
    const cast = this.emit('Cast', [name], { attributes: { to: { int: ELEMENT_TYPES[dtype] } } });
    this.casts.set(key, cast);
    return cast;
  }

  uniform(value: Value): number | undefined {
    const data = this.graph.constants.get(value);
    return data && 'uniform' in data && typeof data.uniform === 'number' ? data.uniform : undefined;
  }

  uniformScalar(value: Value): string | undefined {
    const data = this.graph.constants.get(value);
    if (!data || !('uniform' in data)) return undefined;
    const { uniform } = data;
    return typeof uniform === 'number'
      ? this.scalar(uniform, value.dtype)
      : this.sizeScalar(uniform, value.dtype);
  }

  private sizeScalar({ size, reciprocal }: UniformSize, dtype: HostDType): string {
    const scalar = this.emit('Squeeze', [this.sizes([size])]);
    if (!reciprocal) return this.cast(scalar, dtype);
    const inverse = this.emit('Reciprocal', [this.cast(scalar, 'float32')]);
    return dtype === 'float32' ? inverse : this.cast(inverse, dtype);
  }
}

const TYPED = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

function protoValue({ name, shape, dtype }: ModelTensor): ProtoValue {
  return { name, shape, type: dtype };
}
