import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Product } from './products.js';

/** Field numbers are those of onnx.proto3, IR version 10. */
const IR_VERSION = 10;
const OPSET = 20;
const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE_INT = 2;

/**
 * A serialised ONNX model of one product, `c = a · b`: `Gemm` for a single one (it takes operands
 * transposed), `MatMul` for a batch. A constant `b` is in the model, else it is an input. Whoever wants
 * the time and not the values asks for `first`, one value of `c`: onnxruntime copies what is asked for.
 */
export function productModel(product: Product, constant?: Float32Array): Uint8Array {
  const { a, b, c } = productShapes(product);
  const isBatch = product.batch > 1;
  const node = (writer: BinaryWriter): void => {
    for (const name of ['a', 'b']) writer.tag(1, WireType.LengthDelimited).string(name);
    writer.tag(2, WireType.LengthDelimited).string('c');
    writer.tag(4, WireType.LengthDelimited).string(isBatch ? 'MatMul' : 'Gemm');
    if (isBatch) return;
    for (const [name, is] of [
      ['transA', product.transposeA],
      ['transB', product.transposeB],
    ] as const) {
      message(writer, 5, (attribute) => {
        attribute.tag(1, WireType.LengthDelimited).string(name);
        attribute.tag(3, WireType.Varint).int64(is ? 1 : 0);
        attribute.tag(20, WireType.Varint).int32(ATTRIBUTE_INT);
      });
    }
  };
  const slice = (writer: BinaryWriter): void => {
    for (const name of ['c', 'starts', 'ends'])
      writer.tag(1, WireType.LengthDelimited).string(name);
    writer.tag(2, WireType.LengthDelimited).string('first');
    writer.tag(4, WireType.LengthDelimited).string('Slice');
  };
  const ones = c.map(() => 1);
  const model = new BinaryWriter();
  model.tag(1, WireType.Varint).int64(IR_VERSION);
  message(model, 8, (opset) => opset.tag(2, WireType.Varint).int64(OPSET));
  message(model, 7, (graph) => {
    message(graph, 1, node);
    message(graph, 1, slice);
    graph.tag(2, WireType.LengthDelimited).string('product');
    if (constant) message(graph, 5, initializer('b', b, FLOAT, constant));
    for (const [name, at] of [
      ['starts', 0],
      ['ends', 1],
    ] as const) {
      const values = BigInt64Array.from(c, () => BigInt(at));
      message(graph, 5, initializer(name, [c.length], INT64, values));
    }
    message(graph, 11, tensor('a', a));
    if (!constant) message(graph, 11, tensor('b', b));
    message(graph, 12, tensor('c', c));
    message(graph, 12, tensor('first', ones));
  });
  return model.finish();
}

/** Shapes of the operands as they are stored, and of the result. */
export function productShapes({ batch, m, k, n, transposeA, transposeB }: Product): {
  a: number[];
  b: number[];
  c: number[];
} {
  const outer = batch > 1 ? [batch] : [];
  return {
    a: [...outer, ...(transposeA ? [k, m] : [m, k])],
    b: [...outer, ...(transposeB ? [n, k] : [k, n])],
    c: [...outer, m, n],
  };
}

function initializer(
  name: string,
  shape: readonly number[],
  type: number,
  values: Float32Array | BigInt64Array,
): (writer: BinaryWriter) => void {
  return (writer) => {
    for (const size of shape) writer.tag(1, WireType.Varint).int64(size);
    writer.tag(2, WireType.Varint).int32(type);
    writer.tag(8, WireType.LengthDelimited).string(name);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    writer.tag(9, WireType.LengthDelimited).bytes(bytes);
  };
}

function tensor(name: string, shape: readonly number[]): (writer: BinaryWriter) => void {
  return (info) => {
    info.tag(1, WireType.LengthDelimited).string(name);
    message(info, 2, (type) =>
      message(type, 1, (tensorType) => {
        tensorType.tag(1, WireType.Varint).int32(FLOAT);
        message(tensorType, 2, (sizes) => {
          for (const size of shape) {
            message(sizes, 1, (dimension) => dimension.tag(1, WireType.Varint).int64(size));
          }
        });
      }),
    );
  };
}

function message(writer: BinaryWriter, field: number, fill: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  fill(writer);
  writer.join();
}
