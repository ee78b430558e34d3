import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type Size, showSize } from '../graph/size.js';
import type { OnnxAttribute } from './builder.js';

/** Version of the ONNX operators that kernels are lowered to: the first that has Gelu. */
export const OPSET = 20;
/** Version of the file format that belongs to it. */
export const IR_VERSION = 9;
/** The domain of ONNX Runtime's own operators, and its version. */
export const CONTRIB = 'com.microsoft';
const CONTRIB_VERSION = 1;

/** ONNX's numbers for element types. */
export const ELEMENT_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
} as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

export interface ProtoNode {
  readonly name: string;
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** Values of a constant: in the model, or bytes of a file. */
export interface ProtoInitializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values: Uint8Array | { location: string; offset: number; bytes: number };
}

/** What is known about a value: a free size stands as its name. */
export interface ProtoValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Size[];
}

export interface ProtoGraph {
  readonly name: string;
  readonly nodes: readonly ProtoNode[];
  readonly initializers: readonly ProtoInitializer[];
  readonly inputs: readonly ProtoValue[];
  readonly outputs: readonly ProtoValue[];
  /** What is known about values in between. */
  readonly values: readonly ProtoValue[];
}

type Fields = (message: Message) => void;

/** Fields of a protobuf message by their numbers, as onnx.proto3 has them. */
class Message {
  private readonly writer = new BinaryWriter();

  integer(field: number, value: number): void {
    this.writer.tag(field, WireType.Varint).int64(value);
  }
  integers(field: number, values: readonly number[]): void {
    this.writer.tag(field, WireType.LengthDelimited).fork();
    for (const value of values) this.writer.int64(value);
    this.writer.join();
  }
  float(field: number, value: number): void {
    this.writer.tag(field, WireType.Bit32).float(value);
  }
  floats(field: number, values: readonly number[]): void {
    this.writer.tag(field, WireType.LengthDelimited).fork();
    for (const value of values) this.writer.float(value);
    this.writer.join();
  }
  text(field: number, value: string): void {
    this.writer.tag(field, WireType.LengthDelimited).string(value);
  }
  bytes(field: number, value: Uint8Array): void {
    this.writer.tag(field, WireType.LengthDelimited).bytes(value);
  }
  message(field: number, fields: Fields): void {
    this.writer.tag(field, WireType.LengthDelimited).fork();
    fields(this);
    this.writer.join();
  }
  finish(): Uint8Array {
    return this.writer.finish();
  }
}

/** Free text that a model carries, by name. */
export type Metadata = Readonly<Record<string, string>>;

/** A serialised ModelProto (github.com/onnx/onnx, onnx.proto3). */
export function writeModel(graph: ProtoGraph, metadata: Metadata = {}): Uint8Array {
  const parts = modelParts(graph, metadata);
  const model = new Message();
  model.bytes(GRAPH, parts.graph);
  return concatenated(parts.header, model.finish());
}

/**
 * A serialised ModelProto: `header`, the size of the graph as `graphPrefix` writes it, `graph`. Between
 * `graph` and the end there may be further initializers: `initializerPrefix`, then the values.
 */
export function modelParts(
  graph: ProtoGraph,
  metadata: Metadata,
): { header: Uint8Array; graph: Uint8Array } {
  const model = new Message();
  model.integer(1, IR_VERSION);
  model.text(2, 'imglish');
  model.message(8, (opset) => {
    opset.text(1, '');
    opset.integer(2, OPSET);
  });
  if (graph.nodes.some(({ domain }) => domain === CONTRIB)) {
    model.message(8, (opset) => {
      opset.text(1, CONTRIB);
      opset.integer(2, CONTRIB_VERSION);
    });
  }
  for (const [key, value] of Object.entries(metadata)) {
    model.message(14, (entry) => {
      entry.text(1, key);
      entry.text(2, value);
    });
  }
  const body = new Message();
  writeGraph(body, graph);
  return { header: model.finish(), graph: body.finish() };
}

/** What stands before a graph of that many bytes. */
export function graphPrefix(bytes: number): Uint8Array {
  return prefix(GRAPH, bytes);
}

/** What stands before the `bytes` of values of an initializer, as a part of a graph. */
export function initializerPrefix(
  initializer: Omit<ProtoInitializer, 'values'>,
  bytes: number,
): Uint8Array {
  const message = new Message();
  describeInitializer(message, initializer);
  const before = concatenated(message.finish(), prefix(RAW_DATA, bytes));
  return concatenated(prefix(INITIALIZER, before.byteLength + bytes), before);
}

const GRAPH = 7;
const INITIALIZER = 5;
const RAW_DATA = 9;

/** The beginning of a field that holds that many bytes. */
function prefix(field: number, bytes: number): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(bytes).finish();
}

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.byteLength + b.byteLength);
  both.set(a);
  both.set(b, a.byteLength);
  return both;
}

function writeGraph(message: Message, graph: ProtoGraph): void {
  for (const node of graph.nodes) message.message(1, (m) => writeNode(m, node));
  message.text(2, graph.name);
  for (const initializer of graph.initializers) {
    message.message(INITIALIZER, (m) => writeInitializer(m, initializer));
  }
  for (const input of graph.inputs) message.message(11, (m) => writeValue(m, input));
  for (const output of graph.outputs) message.message(12, (m) => writeValue(m, output));
  for (const value of graph.values) message.message(13, (m) => writeValue(m, value));
}

function writeNode(message: Message, node: ProtoNode): void {
  for (const input of node.inputs) message.text(1, input);
  for (const output of node.outputs) message.text(2, output);
  message.text(3, node.name);
  message.text(4, node.operator);
  for (const [name, value] of Object.entries(node.attributes)) {
    message.message(5, (m) => writeAttribute(m, name, value));
  }
  if (node.domain) message.text(7, node.domain);
}

const UTF8 = new TextEncoder();

function writeAttribute(message: Message, name: string, value: OnnxAttribute): void {
  message.text(1, name);
  if ('float' in value) {
    message.float(2, value.float);
    message.integer(20, 1);
  } else if ('int' in value) {
    message.integer(3, value.int);
    message.integer(20, 2);
  } else if ('string' in value) {
    message.bytes(4, UTF8.encode(value.string));
    message.integer(20, 3);
  } else if ('floats' in value) {
    message.floats(7, value.floats);
    message.integer(20, 6);
  } else {
    message.integers(8, value.ints);
    message.integer(20, 7);
  }
}

function writeInitializer(message: Message, initializer: ProtoInitializer): void {
  const { values } = initializer;
  describeInitializer(message, initializer);
  if (values instanceof Uint8Array) {
    message.bytes(RAW_DATA, values);
    return;
  }
  const { location, offset, bytes } = values;
  for (const [key, value] of Object.entries({ location, offset, length: bytes })) {
    message.message(13, (entry) => {
      entry.text(1, key);
      entry.text(2, String(value));
    });
  }
  message.integer(14, 1);
}

function describeInitializer(
  message: Message,
  { name, type, shape }: Omit<ProtoInitializer, 'values'>,
): void {
  message.integers(1, shape);
  message.integer(2, ELEMENT_TYPES[type]);
  message.text(8, name);
}

function writeValue(message: Message, { name, type, shape }: ProtoValue): void {
  message.text(1, name);
  message.message(2, (typeProto) =>
    typeProto.message(1, (tensor) => {
      tensor.integer(1, ELEMENT_TYPES[type]);
      tensor.message(2, (shapeProto) => {
        for (const size of shape) {
          shapeProto.message(1, (dimension) => {
            if (typeof size === 'number') dimension.integer(1, size);
            else dimension.text(2, showSize(size));
          });
        }
      });
    }),
  );
}
