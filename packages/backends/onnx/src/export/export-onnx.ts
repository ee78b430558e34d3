import {
  type ByteSource,
  ConfigError,
  type Directory,
  httpSource,
  type ParameterSource,
  type Parameters,
  type TensorSpec,
  type Traceable,
} from '@imglish/core';
import { graphOf } from '../build.js';
import type { FreeSizes } from '../generalise/general-trace.js';
import { lowerToProto } from '../lower/lower.js';
import type { ModelTensor } from '../lower/onnx-model.js';
import { foldReshapes, withWeights } from './export-graph.js';
import { toFloat16Graph } from './float16.js';
import { toInt8 } from './int8.js';
import { weightSources } from './weight-source.js';
import { type WrittenFile, writeExport } from './write-model.js';

export type Precision = 'float32' | 'float16' | 'int8';
export const PRECISIONS: readonly Precision[] = ['float32', 'float16', 'int8'];

export interface ExportOptions {
  /** What the files are called, without `.onnx`. */
  readonly name: string;
  /** Sizes that differ between runs, by input and axis: `{ pixels: { 0: 'batch' } }`. */
  readonly freeSizes?: FreeSizes;
  /** What `f` gets as its second argument: tensors, or places in weights files, which are read in pieces. */
  readonly parameters?: Parameters | ParameterSource;
  /**
   * Default `float32`. Inputs and outputs are the same for each.
   *
   * `float16`: weights and activations; what would leave its range or lose too many digits stays
   * float32 (softmax, sums, the additions of masks). `int8`: linear layers by dynamic quantisation,
   * embeddings with a scale for each row; all else stays float32.
   */
  readonly precision?: Precision;
  /** Free text that the file carries. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Weights above this go to a second file, default 1.5 GB: a model of its own can have 2 GiB. */
  readonly embedBytes?: number;
  /** Opens the file of a place, default over HTTP; in Node, a path. */
  readonly open?: (file: string) => Promise<ByteSource>;
}

/** A model that was written. */
export interface ExportedModel {
  /** The model first, then `{name}.onnx_data` if there is one. */
  readonly files: readonly WrittenFile[];
  /** A size that is free is its name. */
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
}

const EMBED_BYTES = 1.5e9;

/**
 * Writes `f` as an ONNX model, weights included, which ONNX Runtime runs without this project.
 *
 * Inputs and outputs are those of `f`, by name; token ids stay int32. Nothing appears in `directory`
 * before all is written.
 *
 * @throws ConfigError `config/precision`, `config/embed-bytes`; BackendError `backend/not-traceable`,
 * `backend/not-general`, `backend/free-sizes` as a compiler does, `backend/parameter-place`,
 * `backend/float16-range`; what reading and writing throws.
 */
export async function exportOnnx(
  f: Traceable,
  example: Readonly<Record<string, TensorSpec>>,
  directory: Directory,
  options: ExportOptions,
): Promise<ExportedModel> {
  const { name, freeSizes = {}, parameters = {}, precision = 'float32' } = options;
  const { metadata = {}, embedBytes = EMBED_BYTES, open = httpSource } = options;
  check(precision, embedBytes);
  const weights = weightSources(parameters, open);
  try {
    const places = Object.fromEntries(
      Object.entries(weights.sources).map(([key, { shape }]) => [key, nowhere(key, shape)]),
    );
    const graph = await graphOf(f, example, { freeSizes, parameters: places, name });
    const { proto, inputs, outputs } = lowerToProto(graph, places);
    const whole = foldReshapes(withWeights(proto, weights.sources));
    const files = await writeExport(directory, name, REWRITES[precision](whole), {
      metadata: { project: 'imglish', precision, ...metadata },
      embedBytes,
    });
    return { files, inputs, outputs };
  } finally {
    await weights.close();
  }
}

const REWRITES = {
  float32: (graph: ReturnType<typeof withWeights>) => graph,
  float16: toFloat16Graph,
  int8: toInt8,
} as const;

/** To the lowering every parameter is float32 in a file: where its values come from is seen to here. */
function nowhere(file: string, shape: readonly number[]): ParameterSource[string] {
  return { shape, place: { file, offset: 0, bytes: 0, stored: 'float32' } };
}

function check(precision: Precision, embedBytes: number): void {
  if (!PRECISIONS.includes(precision)) {
    throw new ConfigError({
      code: 'config/precision',
      where: 'exportOnnx',
      expected: `precision: one of ${PRECISIONS.join(', ')}`,
      got: String(precision),
    });
  }
  if (embedBytes >= 0 && embedBytes <= EMBED_BYTES) return;
  throw new ConfigError({
    code: 'config/embed-bytes',
    where: 'exportOnnx',
    expected: `embedBytes from 0 to ${EMBED_BYTES}`,
    got: String(embedBytes),
  });
}
