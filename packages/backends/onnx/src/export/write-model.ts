import type { ByteSink, Directory } from '@imglish/core';
import {
  graphPrefix,
  initializerPrefix,
  type Metadata,
  modelParts,
  type ProtoInitializer,
} from '../lower/proto.js';
import type { ExportGraph } from './export-graph.js';
import type { Weight } from './weight.js';

/** Weights that large begin at a page, so that they can be mapped; smaller ones are in the model. */
const PAGE = 4096;

export interface WrittenFile {
  readonly name: string;
  readonly bytes: number;
}

/**
 * Writes `{name}.onnx` with all weights in it, or where they are above `embedBytes` together, the large
 * ones in `{name}.onnx_data` beside it. Nothing appears before all is written.
 */
export async function writeExport(
  directory: Directory,
  name: string,
  graph: ExportGraph,
  { metadata, embedBytes }: { metadata: Metadata; embedBytes: number },
): Promise<WrittenFile[]> {
  const total = graph.weights.reduce((sum, { bytes }) => sum + bytes, 0);
  const isOutside = ({ bytes }: Weight) => total > embedBytes && bytes >= PAGE;
  const outside = graph.weights.filter(isOutside);
  const inside = graph.weights.filter((weight) => !isOutside(weight));
  const model = `${name}.onnx`;
  const data = `${model}_data`;
  const sinks: ByteSink[] = [];
  const create = async (file: string) => {
    const sink = await directory.create(file);
    sinks.push(sink);
    return counting(sink, file);
  };
  try {
    const written: Counting[] = [];
    const places: ProtoInitializer[] = [];
    if (outside.length > 0) {
      const sink = await create(data);
      for (const weight of outside) places.push(await writeOutside(sink, data, weight));
      written.push(sink);
    }
    const sink = await create(model);
    await writeInside(
      sink,
      { ...graph, initializers: [...graph.initializers, ...places] },
      inside,
      metadata,
    );
    written.unshift(sink);
    for (const each of sinks) await each.flush?.();
    // A model never stands beside weights that are not its own: an earlier one goes before the new
    // weights come, earlier weights after the new model has come.
    if (outside.length > 0) await directory.remove(model);
    for (const each of sinks) await each.close(); // The model is the last.
    if (outside.length === 0) await directory.remove(data);
    return written.map(({ file, bytes }) => ({ name: file, bytes }));
  } catch (error) {
    for (const sink of sinks) await sink.abort();
    throw error;
  }
}

async function writeInside(
  sink: Counting,
  graph: ExportGraph,
  weights: readonly Weight[],
  metadata: Metadata,
): Promise<void> {
  const parts = modelParts(graph, metadata);
  const prefixes = weights.map((weight) => initializerPrefix(weight, weight.bytes));
  const size = weights.reduce(
    (sum, { bytes }, i) => sum + prefixes[i]!.byteLength + bytes,
    parts.graph.byteLength,
  );
  await sink.write(parts.header);
  await sink.write(graphPrefix(size));
  await sink.write(parts.graph);
  for (const [i, weight] of weights.entries()) {
    await sink.write(prefixes[i]!);
    for await (const piece of weight.pieces()) await sink.write(piece);
  }
}

async function writeOutside(
  sink: Counting,
  location: string,
  weight: Weight,
): Promise<ProtoInitializer> {
  const offset = Math.ceil(sink.bytes / PAGE) * PAGE;
  await sink.write(new Uint8Array(offset - sink.bytes));
  for await (const piece of weight.pieces()) await sink.write(piece);
  const { name, type, shape, bytes } = weight;
  return { name, type, shape, values: { location, offset, bytes } };
}

/** A sink that knows how much was written. */
interface Counting {
  readonly file: string;
  readonly bytes: number;
  write(bytes: Uint8Array): Promise<void>;
}

function counting(sink: ByteSink, file: string): Counting {
  let bytes = 0;
  return {
    file,
    get bytes() {
      return bytes;
    },
    async write(piece) {
      await sink.write(piece);
      bytes += piece.byteLength;
    },
  };
}
