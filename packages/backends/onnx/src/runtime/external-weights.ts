import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Where the values of an initializer lie outside its model. */
export interface ExternalPlace {
  /** What the model calls the file. */
  readonly location: string;
  readonly offset: number;
  /** Bytes; those to the end of the file where the model does not say. */
  readonly length: number | undefined;
  /** Values of the initializer. */
  readonly elements: number;
}

// Field numbers of onnx.proto.
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_DIMS = 1;
const TENSOR_EXTERNAL_DATA = 13;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

/**
 * A serialised ModelProto whose external initializers lie where `place` says; everything else is as
 * it was, byte for byte.
 */
export function movedWeights(
  model: Uint8Array,
  place: (from: ExternalPlace) => { readonly location: string; readonly offset: number },
): Uint8Array {
  return rewrite(model, MODEL_GRAPH, (graph) =>
    rewrite(graph, GRAPH_INITIALIZER, (tensor) => {
      const from = externalPlace(tensor);
      if (!from) return tensor;
      const to = place(from);
      const values: Record<string, string> = {
        location: to.location,
        offset: String(to.offset),
      };
      return rewrite(tensor, TENSOR_EXTERNAL_DATA, (bytes) => {
        const [key, value] = entry(bytes);
        return new BinaryWriter()
          .tag(ENTRY_KEY, WireType.LengthDelimited)
          .string(key)
          .tag(ENTRY_VALUE, WireType.LengthDelimited)
          .string(values[key] ?? value)
          .finish();
      });
    }),
  );
}

/** The external initializers of a serialised ModelProto. */
export function externalPlaces(model: Uint8Array): ExternalPlace[] {
  const places: ExternalPlace[] = [];
  movedWeights(model, (from) => {
    places.push(from);
    return from;
  });
  return places;
}

function externalPlace(tensor: Uint8Array): ExternalPlace | undefined {
  const entries = new Map<string, string>();
  let elements = 1;
  const reader = new BinaryReader(tensor);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === TENSOR_EXTERNAL_DATA) entries.set(...entry(reader.bytes()));
    else if (field !== TENSOR_DIMS) reader.skip(type, field);
    else if (type === WireType.Varint) elements *= Number(reader.int64());
    else {
      const end = reader.uint32() + reader.pos; // packed
      while (reader.pos < end) elements *= Number(reader.int64());
    }
  }
  const location = entries.get('location');
  if (location === undefined) return undefined;
  const length = entries.get('length');
  return {
    location,
    offset: Number(entries.get('offset') ?? 0),
    length: length === undefined ? undefined : Number(length),
    elements,
  };
}

function entry(bytes: Uint8Array): [key: string, value: string] {
  let key = '';
  let value = '';
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === ENTRY_KEY) key = reader.string();
    else if (field === ENTRY_VALUE) value = reader.string();
    else reader.skip(type, field);
  }
  return [key, value];
}

/** A message in which every field `number`, a message itself, is replaced. */
function rewrite(
  message: Uint8Array,
  number: number,
  replace: (part: Uint8Array) => Uint8Array,
): Uint8Array {
  const writer = new BinaryWriter();
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, type] = reader.tag();
    if (field === number && type === WireType.LengthDelimited) {
      writer.tag(field, type).bytes(replace(reader.bytes()));
    } else {
      reader.skip(type, field);
      writer.raw(message.subarray(start, reader.pos));
    }
  }
  return writer.finish();
}
